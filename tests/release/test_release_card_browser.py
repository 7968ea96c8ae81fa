"""A card as its readers have it: in a browser, on a desktop and on a phone, light and dark."""

import base64
import re

import pytest

from builder.release.copy import copy_release
from builder.release.plots.theme import INK, PAGE
from builder.release.release import Selected, make_release
from builder.select.selection import select
from tests.release.annotated import annotate
from tests.release.hub_page import HUB, serve, show
from tests.release.judged import judged_recipe, judged_rows
from tests.release.plots.test_plots_drawings import contrast
from tests.release.test_release_hostile import NASTY
from tests.select.tiny_run import TEMPLATE, recipe, row, write_run

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
MODELS = {"air": "org/Meta-Model-8B-Instruct", "pro": "org/Meta-Model-70B-Instruct"}


def judged(folder, split, seed):
    """A release of which everything was judged that a plot can show."""
    rows, said = judged_rows(seed)
    chosen = judged_recipe(split, MODELS[split])
    folder.mkdir()
    shards = annotate(write_run(folder, rows, rows_a_shard=100), chosen, said)
    selection = folder / "selection.parquet"
    funnel = select(shards, chosen, selection).to_json()
    server = {"image": "tgi:3", "image_id": "sha256:" + "a" * 64, "digest": None, "command": []}
    made = Selected(shards, selection, funnel, {"server": server | {"command": ["--x", "y" * 90]}})
    return make_release(folder / "release", made, chosen, TEMPLATE).folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Releases by name: `one` split, and the `two` splits of a repository."""
    root = tmp_path_factory.mktemp("judged")
    air, pro = (judged(root / split, split, seed) for seed, split in enumerate(MODELS))
    copy_release(air, root / "two")
    copy_release(pro, root / "two")
    return {"one": pro, "two": root / "two"}


@pytest.fixture
def opened(chromium):
    """Opens a card: `opened(folder, "phone", theme="dark", system="light")`."""
    contexts, said = [], []

    def open_card(folder, size="desktop", theme="light", system=None, **how):
        context = chromium.new_context(viewport=SIZES[size], color_scheme=system or theme)
        contexts.append(context)
        refused = serve(context, folder)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        show(page, folder, theme, **how)
        page.refused = refused
        return page

    yield open_card
    for context in contexts:
        context.close()
    assert said == []


def hexed(colour):
    """`rgb(13, 17, 23)` -> `#0d1117`."""
    return "#{:02x}{:02x}{:02x}".format(*map(int, re.findall(r"\d+", colour)[:3]))


PIXELS = """async data => {
  const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const board = new OffscreenCanvas(image.width, image.height).getContext("2d");
  board.drawImage(image, 0, 0);
  const found = board.getImageData(0, 0, image.width, image.height).data;
  const seen = {};
  for (let i = 0; i < found.length; i += 4) {
    const colour = "#" + [0, 1, 2].map(j => found[i + j].toString(16).padStart(2, "0")).join("");
    seen[colour] = (seen[colour] ?? 0) + 1;
  }
  return Object.entries(seen).sort((a, b) => b[1] - a[1]).map(([colour]) => colour);
}"""


def colours(page, element):
    """The colours of what is seen of an element, the most frequent first."""
    return page.evaluate(PIXELS, base64.b64encode(element.screenshot()).decode())


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["one", "two"])
def test_every_plot_is_shown_and_nothing_scrolls_sideways(opened, folders, name, size, theme):
    for styles in (True, False):
        page = opened(folders[name], size, theme, styles=styles)
        images = page.evaluate(
            "[...document.images].map(i => [i.getAttribute('src'), i.naturalWidth, i.alt])"
        )
        files = [path.relative_to(folders[name]) for path in folders[name].rglob("*.svg")]
        assert sorted(src for src, _, _ in images) == sorted(
            f"{HUB}/resolve/main/{path.as_posix()}" for path in files
        )
        assert min(width for _, width, _ in images) > 300
        assert all(alt for _, _, alt in images)
        assert page.refused == []
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert widths == [SIZES[size]["width"]] * 2
        wide = page.evaluate(
            "[...document.images].filter(i => i.getBoundingClientRect().right"
            " > document.querySelector('main').getBoundingClientRect().right).length"
        )
        assert wide == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("system", ["light", "dark"])
def test_plots_can_be_read_whatever_page_and_system_prefer(opened, folders, theme, system):
    page = opened(folders["one"], theme=theme, system=system)
    images = page.locator("img").all()
    assert len(images) == 11
    for image in images:
        ground, *others = colours(page, image)
        assert ground == getattr(PAGE, system)
        assert getattr(INK, system) in others
        assert contrast(getattr(INK, system), ground) >= 7


WORDS = """() => {
  const panel = getComputedStyle(document.querySelector("rect")).fill;
  const words = [...document.querySelectorAll("text, tspan")];
  const box = document.querySelector("rect").getBoundingClientRect();
  return {
    panel,
    fills: [...new Set(words.map(one => getComputedStyle(one).fill))],
    outside: words.filter(one => {
      const at = one.getBoundingClientRect();
      return at.left < box.left || at.right > box.right || at.bottom > box.bottom;
    }).map(one => one.textContent),
    over: words.filter(one => one.localName === "text").flatMap((one, i, all) => {
      const a = one.getBoundingClientRect();
      return all.slice(i + 1).filter(two => {
        const b = two.getBoundingClientRect();
        return Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
          && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 6;
      }).map(two => `${one.textContent} / ${two.textContent}`);
    }),
    small: Math.min(...words.map(one => parseFloat(getComputedStyle(one).fontSize))),
  };
}"""


@pytest.mark.parametrize("system", ["light", "dark"])
def test_words_of_plots_stand_out_and_lie_inside_and_apart(chromium, folders, system):
    context = chromium.new_context(color_scheme=system)
    page = context.new_page()
    for path in sorted(folders["two"].rglob("*.svg")):
        page.goto(path.as_uri())
        found = page.evaluate(WORDS)
        ground = hexed(found["panel"])
        assert ground == getattr(PAGE, system)
        assert min(contrast(hexed(fill), ground) for fill in found["fills"]) >= 4.5, path
        assert (found["outside"], found["over"]) == ([], []), path
        assert found["small"] >= 12
    context.close()


def test_on_a_phone_no_word_of_a_plot_is_smaller_than_eleven_pixels(opened, folders):
    page = opened(folders["two"], "phone")
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    scales = page.evaluate(
        "[...document.images].map(i => [i.src.split('/').pop(), i.width / i.naturalWidth])"
    )
    for name, scale in scales:
        path = next(folders["two"].rglob(name))
        smallest = min(map(int, re.findall(r'font-size="(\d+)"', path.read_text("utf-8"))))
        assert scale * smallest >= 11, name


def test_where_style_sheets_are_refused_plots_are_light_and_whole(opened, folders):
    for path in folders["one"].rglob("*.svg"):
        assert "<style>" in path.read_text("utf-8")
    page = opened(folders["one"], system="dark")
    address = f"{HUB}/resolve/main/plots/pro/quality.svg"
    page.goto(address)  # as a document it keeps the policy that it is served under
    found = page.evaluate(WORDS)
    assert hexed(found["panel"]) == PAGE.light
    assert min(contrast(hexed(fill), PAGE.light) for fill in found["fills"]) >= 4.5


def test_sections_stand_in_order_and_none_is_empty(opened, folders):
    page = opened(folders["two"])
    assert page.locator("h1, h2").all_inner_texts() == [
        "tiny-set",
        "At a glance",
        "Samples",
        "Load",
        "Columns",
        "Split air",
        "Split pro",
        "License",
        "Rebuild",
        "Changelog",
        "Cite",
    ]
    empty = page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3')].filter(h => !h.nextElementSibling"
        " || h.nextElementSibling.localName <= h.localName && /^h/.test("
        "h.nextElementSibling.localName)).map(h => h.textContent)"
    )
    assert empty == []


def test_plots_of_one_split_stand_above_its_samples(opened, folders):
    page = opened(folders["one"])
    top = "element => element.getBoundingClientRect().top"
    samples = page.locator("h2", has_text="Samples").evaluate(top)
    assert all(image.evaluate(top) < samples for image in page.locator("img").all())


def test_samples_can_be_read_on_a_phone(opened, folders):
    page = opened(folders["two"], "phone")
    first = page.locator("details").first
    assert first.get_attribute("open") is not None
    for number in range(8):
        sample = page.locator("details", has_text="instruction").nth(number)
        if sample.get_attribute("open") is None:
            sample.locator("summary").click()
        for turn in sample.locator("blockquote").all():
            box = turn.bounding_box()
            assert box["x"] >= 16
            assert 300 <= box["width"] <= 358
            size, over = turn.evaluate(
                "turn => [parseFloat(getComputedStyle(turn).fontSize),"
                " turn.scrollWidth - turn.clientWidth]"
            )
            assert (size >= 14, over) == (True, 0)


def test_hostile_text_makes_no_element_and_runs_no_script(opened, release):
    rules = {"instruction": {}, "response": {}}
    calm = [row(n, f"Ask {n}", f"Answer {n}") for n in range(len(NASTY))]
    wild = [row(n, f"{n} {text}", f"{n} {text}") for n, text in enumerate(NASTY)]
    known, found = (
        release(name, rows, recipe(rules=rules)).folder
        for name, rows in (("calm", calm), ("wild", wild))
    )
    counted = "['script','img','a','iframe','h1','h2','h3','table','details','b','blockquote']"
    shape = f"{counted}.map(name => document.querySelectorAll(name).length)"
    for clean in (True, False):
        page = opened(found, clean=clean)
        assert page.evaluate(shape) == opened(known, clean=clean).evaluate(shape)
        assert page.evaluate("document.querySelectorAll('[onerror],[onload]').length") == 0
        refused = [url for url in page.refused if not url.startswith(f"{HUB}")]
        assert [url for url in refused if "plots/" not in url] == []
        widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert widths == [1280, 1280]
