import xml.etree.ElementTree as ET

import polars as pl
import pytest

from builder.release.plots.drawing import draw_split, draw_together, pictures, told_together
from builder.release.plots.facets import Facets, Panel, draw_facets
from builder.release.plots.series import Bars, Bins, Layer, series
from builder.release.plots.svg import extent, shortened, wrapped
from builder.release.plots.theme import DARK, DOTS, FILLS, INK, MUTED, PAGE, TONES, WIDTH
from tests.release.plots.conftest import binned, labelled

SVG = "{http://www.w3.org/2000/svg}"
LAYER = Layer("kept", (3, 1), above=1, median=2.5)
BARS = Bars("quality", "Quality", ("poor & <b>", "good"), (Layer("kept", (3, 1)),))
BINS = Bins("length", "Length", "tokens", (0.0, 2.0, 4.0), (LAYER, Layer("sampled", (4, 4))))


def drawn(one):
    (picture,) = pictures([one], "pro")
    return ET.fromstring(picture.svg)


def words(drawing):
    return ["".join(text.itertext()) for text in drawing.iter(f"{SVG}text")]


def bars(drawing):
    """The rectangles that are no panel."""
    return list(drawing.iter(f"{SVG}rect"))[1:]


def luminance(colour):
    parts = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_and_shapes_stand_out_from_the_panel(theme):
    def seen(tone):
        return getattr(tone, theme)

    assert min(contrast(seen(tone), seen(PAGE)) for tone in (INK, MUTED)) >= 4.5
    assert min(contrast(seen(tone), seen(PAGE)) for tone in FILLS) >= 3
    assert contrast(seen(FILLS[0]), seen(FILLS[1])) >= 1.5


def test_facts_name_each_file_and_what_it_says(facts, tmp_path):
    told = facts(labels=[labelled("input_quality", {"poor": 1, "good": 2})])
    found = draw_split(tmp_path, told, [])
    assert [one["name"] for one in found] == ["quality", "funnel"]
    assert found[0] == {
        "name": "quality",
        "file": "plots/pro/quality.svg",
        "alt": "Quality of the instruction. Of 3 rows kept: poor 33.3 %, good 66.7 %.",
        "width": 346,
        "height": 111,
    }
    assert sorted(path.name for path in tmp_path.rglob("*.svg")) == ["funnel.svg", "quality.svg"]


def test_a_drawing_is_as_large_as_the_facts_say_and_says_what_they_say():
    for one in (BARS, BINS):
        (picture,) = pictures([one], "pro")
        root = ET.fromstring(picture.svg)
        assert int(root.get("width")) == picture.told["width"]
        assert int(root.get("height")) == picture.told["height"]
        assert root.get("aria-label") == picture.told["alt"]


def test_each_colour_has_a_class_that_the_style_sheet_gives_its_dark_one():
    light = {tone.name: tone.light for tone in TONES}
    for root in (drawn(BARS), drawn(BINS), facets([Panel("a", "A", "25 %")])[0]):
        assert [one.text for one in root.iter(f"{SVG}style")] == [DARK]
        coloured = [one for one in root.iter() if {"fill", "stroke"} & set(one.keys())]
        assert len(coloured) > 3
        for shape in coloured:
            told = {light[name.removesuffix("-line")] for name in shape.get("class").split()}
            assert told == {shape.get("fill"), shape.get("stroke")} - {None, "none"}
    for tone in TONES:
        assert f".{tone.name}{{fill:{tone.dark}}}.{tone.name}-line{{stroke:{tone.dark}}}" in DARK


def test_a_panel_lies_below_all_of_a_drawing():
    root = drawn(BARS)
    (style, panel, *_) = list(root)
    assert (style.tag, panel.tag) == (f"{SVG}style", f"{SVG}rect")
    left, top, wide, high = map(int, root.get("viewBox").split())
    assert (left, top, wide) == (-10, -10, WIDTH + 26)
    assert (float(panel.get("x")), float(panel.get("y"))) == (left + 0.5, top + 0.5)
    assert float(panel.get("width")) == wide - 7  # a line, and room for a neighbour
    assert float(panel.get("height")) == high - 7
    assert panel.get("fill") == PAGE.light


def test_bars_are_as_long_as_their_shares():
    lengths = [float(rect.get("width")) for rect in bars(drawn(BARS))]
    assert lengths[0] == pytest.approx(3 * lengths[1], abs=0.05)
    assert words(drawn(BARS)) == [
        "Quality",
        "4 rows kept",
        "poor & <b>",
        "75.0 %",
        "good",
        "25.0 %",
    ]


def test_a_funnel_shows_what_is_left_over_what_was_there(facts):
    root = drawn(series(facts())[0])
    assert words(root)[:2] == ["From sampled to kept", "9 rows sampled, 3 kept"]
    assert words(root)[2:] == ["sampled", "9", "short", "5", "good", "3"]
    lengths = [float(rect.get("width")) for rect in bars(root)]
    nine, before, five, *_ = lengths
    assert before == nine
    assert five == pytest.approx(nine * 5 / 9, abs=0.02)


def test_a_histogram_has_real_axes_and_says_what_it_leaves_out():
    found = words(drawn(BINS))
    assert found[:3] == ["Length", "5 rows kept", "all 8 rows measured"]
    assert "median 2.5" in found
    assert "tokens (20.0 % above 4)" in found
    assert {"0 %", "20 %", "40 %", "60 %"} <= set(found)
    assert {"0", "1", "2", "3", "4"} <= set(found)


def test_nothing_is_written_outside_of_a_drawing(facts):
    name = "a-rule-with-a-name-that-nobody-expected-to-be-so-very-long"
    told = facts()
    told["funnel"]["dropped"][1]["reason"] = name
    root = drawn(series(told)[0])
    assert name not in words(root)
    for text in root.iter(f"{SVG}text"):
        wide, x = extent(text.text, int(text.get("font-size"))), float(text.get("x"))
        start = x - wide if text.get("text-anchor") == "end" else x
        assert start >= -1
        assert start + wide <= WIDTH + 1


def test_words_are_shortened_only_where_they_have_no_room():
    assert shortened("short", 100) == "short"
    assert shortened("mmmmmmmmmm", 40) == "mm…"


def test_words_are_wrapped_where_there_is_no_room():
    assert wrapped("one two", 100) == ["one two"]
    assert wrapped("one two", 40) == ["one", "two"]
    assert wrapped("mmmmmmmmmm one", 40) == ["mm…", "one"]
    assert wrapped("", 40) == []


def test_characters_that_xml_has_no_way_to_write_become_spaces():
    odd = Bars("q", "Qu\x00ality\x0b", ("a\x1bb",), (Layer("kept", (1,)),))
    assert words(drawn(odd))[::2] == ["Qu ality ", "a b"]


def test_splits_together_lie_in_a_folder_that_no_split_can_have(facts, tmp_path):
    pair = [facts(split, histograms=[binned("response_tokens", 2.0, 0, [1, 2])]) for split in "ab"]
    draw_together(tmp_path, pair)
    (told,) = told_together(pair)
    assert told["file"] == "plots/all-splits/response-length.svg"
    assert (tmp_path / told["file"]).is_file()


def test_drawings_of_an_earlier_release_do_not_stay(facts, tmp_path):
    old = tmp_path / "plots/all-splits/response-length-dark.svg"
    old.parent.mkdir(parents=True)
    old.write_text("<svg/>", encoding="utf-8")
    pair = [facts(split, histograms=[binned("response_tokens", 2.0, 0, [1, 2])]) for split in "ab"]
    draw_together(tmp_path, pair)
    assert [path.name for path in tmp_path.rglob("*.svg")] == ["response-length.svg"]


def test_plots_of_splits_that_are_no_longer_compared_are_removed(facts, tmp_path):
    pair = [facts(split, histograms=[binned("response_tokens", 2.0, 0, [1, 2])]) for split in "ab"]
    draw_together(tmp_path, pair)
    draw_together(tmp_path, pair[:1])
    assert list(tmp_path.rglob("*.svg")) == []


POINTS = pl.DataFrame(
    {"x": [0.0, 1.0, 0.5, 0.5], "y": [0.0, 0.5, 0.25, 0.25], "group": ["a", "b", "b", None]}
)


def facets(panels):
    drawing = draw_facets(Facets("Map", "4 rows", "A map.", POINTS, panels))
    return ET.fromstring(drawing.text), drawing.height


def test_each_group_has_a_panel_with_all_points_in_grey_below_its_own():
    root, height = facets([Panel("a", "A", "25 %"), Panel("b", "B", "50 %")])
    assert words(root) == ["Map", "4 rows", "A 25 %", "B 50 %"]
    strokes = [group.get("stroke") for group in root.iter(f"{SVG}g")]
    assert strokes == [DOTS.light, FILLS[0].light] * 2
    dots = [path.get("d").count("h0") for path in root.iter(f"{SVG}path")]
    assert dots == [3, 1, 2]  # two points in one place are one dot
    assert int(root.get("height")) == height


def test_names_of_panels_are_never_cut_while_their_words_fit():
    root, _ = facets([Panel("a", "Information seeking", "25 %"), Panel("b", "B", "50 %")] * 2)
    assert words(root)[2:5] == ["Information", "seeking 25 %", "B 50 %"]


def test_a_map_without_groups_is_one_panel():
    root, _ = facets(None)
    assert [path.get("d").count("h0") for path in root.iter(f"{SVG}path")] == [3]
