import xml.etree.ElementTree as ET

import polars as pl
import pytest

from builder.release.plots.drawing import draw_split, draw_together, pictures, told_together
from builder.release.plots.facets import Facets, Panel, draw_facets
from builder.release.plots.series import Bars, Bins, Layer, series
from builder.release.plots.svg import extent, shortened
from builder.release.plots.theme import DARK, LIGHT, THEMES
from tests.release.plots.conftest import binned, labelled

SVG = "{http://www.w3.org/2000/svg}"
LAYER = Layer("kept", (3, 1), above=1, median=2.5)
BARS = Bars("quality", "Quality", ("poor & <b>", "good"), (Layer("kept", (3, 1)),))
BINS = Bins("length", "Length", "tokens", (0.0, 2.0, 4.0), (LAYER, Layer("sampled", (4, 4))))


def drawn(one, theme="light"):
    (picture,) = pictures([one], "pro")
    return ET.fromstring(picture.files[picture.told[theme]])


def words(drawing):
    return [text.text for text in drawing.iter(f"{SVG}text")]


def luminance(colour):
    parts = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("theme", "page"), [(LIGHT, "#ffffff"), (DARK, "#0d1117")])
def test_words_and_shapes_stand_out_from_the_page(theme, page):
    assert min(contrast(colour, page) for colour in (theme.ink, theme.muted)) >= 4.5
    assert min(contrast(colour, page) for colour in theme.fills) >= 3
    assert contrast(theme.fills[0], theme.fills[1]) >= 1.5


def test_facts_name_both_files_and_what_they_say(facts, tmp_path):
    told = facts(labels=[labelled("input_quality", {"poor": 1, "good": 2})])
    found = draw_split(tmp_path, told, [])
    assert [one["name"] for one in found] == ["quality", "funnel"]
    assert found[0] == {
        "name": "quality",
        "light": "plots/pro/quality-light.svg",
        "dark": "plots/pro/quality-dark.svg",
        "alt": "Quality of the instruction. Of 3 rows kept: poor 33.3 %, good 66.7 %.",
        "width": 360,
        "height": 100,
    }
    assert sorted(path.name for path in tmp_path.rglob("*.svg")) == [
        "funnel-dark.svg",
        "funnel-light.svg",
        "quality-dark.svg",
        "quality-light.svg",
    ]


def test_a_drawing_is_as_large_as_the_facts_say_and_says_what_they_say():
    for one in (BARS, BINS):
        (picture,) = pictures([one], "pro")
        for theme in THEMES:
            root = ET.fromstring(picture.files[picture.told[theme.name]])
            assert int(root.get("width")) == picture.told["width"]
            assert int(root.get("height")) == picture.told["height"]
            assert root.get("aria-label") == picture.told["alt"]


def test_both_themes_differ_in_colours_alone():
    (picture,) = pictures([BINS], "pro")
    light, dark = (picture.files[picture.told[theme.name]] for theme in THEMES)
    for mine, other in zip(
        (LIGHT.ink, LIGHT.muted, LIGHT.rule, *LIGHT.fills),
        (DARK.ink, DARK.muted, DARK.rule, *DARK.fills),
        strict=True,
    ):
        light = light.replace(mine, other)
    assert light == dark


def test_bars_are_as_long_as_their_shares():
    rects = list(drawn(BARS).iter(f"{SVG}rect"))
    lengths = [float(rect.get("width")) for rect in rects]
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
    lengths = [float(rect.get("width")) for rect in root.iter(f"{SVG}rect")]
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
        assert start + wide <= 361


def test_words_are_shortened_only_where_they_have_no_room():
    assert shortened("short", 100) == "short"
    assert shortened("mmmmmmmmmm", 40) == "mm…"


def test_characters_that_xml_has_no_way_to_write_become_spaces():
    odd = Bars("q", "Qu\x00ality\x0b", ("a\x1bb",), (Layer("kept", (1,)),))
    assert words(drawn(odd))[::2] == ["Qu ality ", "a b"]


def test_splits_together_lie_in_a_folder_that_no_split_can_have(facts, tmp_path):
    pair = [facts(split, histograms=[binned("response_tokens", 2.0, 0, [1, 2])]) for split in "ab"]
    draw_together(tmp_path, pair)
    (told,) = told_together(pair)
    assert told["light"] == "plots/all-splits/response-length-light.svg"
    assert (tmp_path / told["dark"]).is_file()


def test_plots_of_splits_that_are_no_longer_compared_are_removed(facts, tmp_path):
    pair = [facts(split, histograms=[binned("response_tokens", 2.0, 0, [1, 2])]) for split in "ab"]
    draw_together(tmp_path, pair)
    draw_together(tmp_path, pair[:1])
    assert list(tmp_path.rglob("*.svg")) == []


POINTS = pl.DataFrame(
    {"x": [0.0, 1.0, 0.5, 0.5], "y": [0.0, 0.5, 0.25, 0.25], "group": ["a", "b", "b", None]}
)


def facets(panels):
    text, height = draw_facets(Facets("Map", "4 rows", "A map.", POINTS, panels), LIGHT)
    return ET.fromstring(text), height


def test_each_group_has_a_panel_with_all_points_in_grey_below_its_own():
    root, height = facets([Panel("a", "A", "25 %"), Panel("b", "B", "50 %")])
    assert words(root) == ["Map", "4 rows", "A", "25 %", "B", "50 %"]
    strokes = [group.get("stroke") for group in root.iter(f"{SVG}g")]
    assert strokes == [LIGHT.dots, LIGHT.fills[0]] * 2
    dots = [path.get("d").count("h0") for path in root.iter(f"{SVG}path")]
    assert dots == [3, 1, 2]  # two points in one place are one dot
    assert int(root.get("height")) == height


def test_a_map_without_groups_is_one_panel():
    root, _ = facets(None)
    assert [path.get("d").count("h0") for path in root.iter(f"{SVG}path")] == [3]
