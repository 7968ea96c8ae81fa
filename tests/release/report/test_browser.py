"""The page as a person has it: in a real browser, from the disk."""

import pytest

from tests.release.report.conftest import ARABIC, HOSTILE, OTHERS, POINTS, SUMMARY

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def numbers(page):
    """The rows in the list, by number."""
    return [int(text.removeprefix("row ")) for text in page.locator(".card-link").all_inner_texts()]


def pictured(text):
    """Text as the page shows it: control characters as their pictures."""
    return "".join(chr(0x2400 + ord(c)) if c in "\x00\x1b" else c for c in text)


def test_all_rows_are_listed_and_counted(opened):
    page = opened()
    assert numbers(page) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert page.locator("#found").inner_text() == "8 rows"
    assert "All 8 rows of the run are on this page." in page.locator("#extent").inner_text()


def test_search_finds_rows_by_instruction_response_number_and_uuid(opened):
    page = opened()
    for words, found in (("fox", [0, 5]), ("upon a time", [0]), ("4", [4]), ("nowhere", [])):
        page.locator("#search").fill(words)
        assert numbers(page) == found
    page.locator("#search").fill("FOX")
    assert page.locator("mark").all_inner_texts() == ["fox", "fox", "FOX"]


def test_rows_are_filtered_by_state_and_reason_and_label(opened):
    page = opened()
    page.locator("#state").select_option("dropped")
    assert numbers(page) == [3, 5, 6, 7]
    page.locator("#state").select_option(label="dropped: duplicate (1)")
    assert numbers(page) == [5]
    page.locator("#state").select_option("")
    page.locator("select[data-column=input_quality]").select_option(label="good (2)")
    assert numbers(page) == [0, 2]
    page.locator("select[data-column=task_category]").select_option(label="Creative writing (2)")
    page.locator("#search").fill("fox")
    assert numbers(page) == [0]
    page.get_by_text("take all away").click()
    assert len(numbers(page)) == 8


def test_rows_are_sorted_by_numbers_and_by_the_order_of_labels(opened):
    page = opened()
    page.locator("#sort").select_option("input_quality")
    assert numbers(page) == [6, 0, 2, 1, 4, 3, 5, 7]
    page.locator("#order").select_option("down")
    assert numbers(page) == [1, 4, 0, 2, 6, 3, 5, 7]


def test_a_bar_says_its_rows_and_shows_them(opened):
    page = opened()
    bar = page.locator(".chart-quality .bar", has_text="good")
    bar.hover()
    assert page.locator("#tip").inner_text() == "good: 2 kept (50.0 %), 2 sampled (40.0 %)"
    bar.click()
    assert bar.get_attribute("aria-pressed") == "true"
    assert numbers(page) == [0, 2]
    assert page.locator("#see").inner_text() == "2 rows ↓"
    bar.click()
    assert len(numbers(page)) == 8


def test_a_step_of_the_funnel_shows_what_it_dropped(opened):
    page = opened()
    page.locator(".chart-funnel .bar", has_text="duplicate").click()
    assert numbers(page) == [5]


def test_bars_are_walked_by_keyboard(opened):
    page = opened()
    page.locator(".chart-quality .bar").first.focus()
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert numbers(page) == [1, 4]


def test_the_map_shows_the_instruction_under_the_pointer(opened):
    page = opened()
    board = page.locator("#map")
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    board.hover(position={"x": box["width"] / 2, "y": box["height"] / 2})
    assert page.locator("#tip").inner_text() == f"{ARABIC}\nrow 2 · kept · Creative writing · good"
    board.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    assert page.locator("#row-title").inner_text() == "Row 2 · kept"


def test_the_map_is_walked_by_keyboard(opened):
    page = opened()
    page.locator("#map").focus()
    page.keyboard.press("ArrowRight")
    said = " · ".join(page.locator("#map-said").inner_text().splitlines()[-1].split(" · ")[:2])
    assert said in {f"row {number} · kept" for number in POINTS}
    page.keyboard.press("Enter")
    assert page.locator("#row-title").inner_text() == said.replace("row", "Row")


def test_dots_of_other_data_sets_say_where_they_come_from(opened, report):
    page = opened(report(others=OTHERS))
    assert page.locator("#legend li").all_inner_texts() == ["this run\n4", "Alpaca\n1"]
    board = page.locator("#map")
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    side = min(box["width"], box["height"]) - 16
    corner = {"x": box["width"] / 2 - side / 2, "y": box["height"] / 2 + side / 2}
    board.click(position=corner)
    assert page.locator("#tip").inner_text() == "Name three primary colours.\nAlpaca"
    assert not page.locator("#row").is_visible()


def test_the_legend_counts_the_dots_and_filters(opened):
    page = opened()
    assert page.locator("#legend li").all_inner_texts() == [
        "Creative writing\n2",
        "Math\n1",
        "none\n1",
    ]
    page.locator("#legend button", has_text="Math").click()
    assert numbers(page) == [4]


def test_a_row_has_all_its_columns(opened):
    page = opened()
    page.locator(".card-link", has_text="row 0").click()
    body = page.locator("#row-body").inner_text()
    for told in ("It says what it wants.", "Creative writing", "Editing", "1.5", "org/reward"):
        assert told in body
    assert "<|begin|><|user|>" in body
    assert page.url.endswith("#row-0")
    page.keyboard.press("ArrowRight")
    assert page.locator("#row-title").inner_text() == "Row 1 · kept"
    page.keyboard.press("Escape")
    assert not page.locator("#row").is_visible()


def test_a_dropped_row_says_why_and_leads_to_its_twin(opened):
    page = opened(address="#row-5")
    assert page.locator("#row-title").inner_text() == "Row 5 · dropped: duplicate"
    page.locator("#row-body a", has_text="row 0").click()
    assert page.locator("#row-title").inner_text() == "Row 0 · kept"


def test_hostile_text_is_shown_as_text(opened):
    page = opened(address="#row-1")
    turns = page.locator(".turn")
    assert turns.evaluate_all("all => all.map(one => one.textContent)") == [pictured(HOSTILE)] * 2
    assert page.evaluate("window.broken") is None
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 2
    assert page.locator(".summary").inner_text() == SUMMARY


def test_a_text_is_written_in_its_own_direction(opened):
    page = opened(address="#row-2")
    directions = "all => all.map(one => getComputedStyle(one).direction)"
    assert page.locator(".turn").evaluate_all(directions) == ["rtl", "rtl"]


def test_a_text_too_long_for_a_page_says_that_it_is_cut(opened):
    page = opened(address="#row-4")
    assert len(page.locator(".turn-response").inner_text()) == 20_000
    note = page.locator("#row-body .cut").inner_text()
    assert note.startswith("Cut: the first 20,000 of 10,000,000 characters.")
    assert "1 text is cut" in page.locator("#extent").inner_text()


def test_part_of_the_rows_is_said_to_be_a_part(opened, report):
    page = opened(report(most=4))
    assert numbers(page) == [0, 2, 3, 6]
    assert "4 of the run's 8 rows are on this page" in page.locator("#extent").inner_text()
    assert page.locator("#charts .hint").inner_text().startswith("They count all 8 rows")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_sideways_scrolling(opened, scheme):
    page = opened(phone=True, scheme=scheme)
    widths = "[document.documentElement.scrollWidth, innerWidth]"
    assert page.evaluate(widths) == [390, 390]
    page.locator(".card-link", has_text="row 1").tap()
    assert page.locator("#row").is_visible()
    assert page.locator("#row").evaluate("row => row.scrollWidth - row.clientWidth") == 0
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}[scheme]


def test_a_page_without_a_map_says_why(opened, report):
    page = opened(report(places=None))
    assert page.locator("#no-map").inner_text().startswith("No map: the release was made without")
    assert not page.locator("#map-part").is_visible()
    assert not page.locator("#to-map").is_visible()


def test_a_file_that_is_cut_off_says_so(chromium, report):
    made = report()
    text = made.path.read_text(encoding="utf-8")
    start = text.index('id="data">') + 500
    made.path.write_text(text[:start] + text[text.index("</script>", start) :], encoding="utf-8")
    page = chromium.new_page()
    page.goto(made.path.as_uri())
    trouble = page.locator("#trouble")
    trouble.wait_for(state="visible")
    assert trouble.inner_text().startswith("The data of this page cannot be read")
    page.close()
