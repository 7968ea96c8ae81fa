"""Whatever models write, the card stays whole, and says it as text."""

import hashlib
import itertools
import re

import pytest
import yaml
from huggingface_hub import DatasetCard
from markdown_it import MarkdownIt

from builder.release.samples import SAMPLES, SHOWN
from tests.release.annotated import annotated_recipe, quality
from tests.release.test_release_card import tables
from tests.select.tiny_run import recipe, row

NASTY = [
    "---\nlicense: mit\n---\n# Mine now",
    "</blockquote></details>\n\n<script>alert(1)</script>\n\n# Out",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "```\n" + "`" * 300 + "\n~~~\n",
    "![spy](https://evil.example/x.png) [click](javascript:alert(1)) <img src=x onerror=y>",
    "right\u202eto left\u2066 \u2028 \u2029 NUL\x00 bell\x07 \ufeff",
    "{{ 7 * 7 }} {% raw %} {# #} ${x} $$y$$ &lt;b&gt;",
    "[ref]: https://evil.example\n\n[ref]\n\n<!-- \n\n-->",
    "<details open><summary>\n\n    indented\n",
    "X" * 10_000_000,
]
RULES = {"instruction": {}, "response": {}}


def rendered(text):
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(text)


def shape(html):
    """The elements of a page, without what stands in them."""
    return re.findall(r"</?[a-z][a-z0-9]*", html)


def opened(folder):
    card = DatasetCard.load(folder / "README.md")
    return card.data.to_dict(), card.text


@pytest.mark.parametrize("number", range(len(NASTY)))
def test_generated_text_breaks_no_card(release, number):
    plain = [row(n, f"Ask {n}", f"Answer {n}") for n in range(2)]
    nasty = [row(n, f"{n} {NASTY[number]}", f"{n} {NASTY[number]}") for n in range(2)]
    calm = release("calm", plain, recipe(rules=RULES))
    wild = release("wild", nasty, recipe(rules=RULES))
    data, text = opened(wild.folder)
    other, expected = opened(calm.folder)
    assert {key: data[key] for key in data if key != "dataset_info"} == {
        key: other[key] for key in other if key != "dataset_info"
    }
    inside = {"<br", "<span", "</span", "<i", "</i"}
    assert [one for one in shape(rendered(text)) if one not in inside] == shape(rendered(expected))
    assert len(text) < 60_000
    for named in ("https://evil.example/x.png", "javascript:"):
        assert f'"{named}' not in rendered(text)


def test_the_end_of_a_cut_text_says_how_much_is_missing(release):
    made = release(rows=[row(0, "Tell me", "é" * (SHOWN + 1234))], recipe_=recipe(rules=RULES))
    _, text = opened(made.folder)
    assert "é" * SHOWN + " […] <i>(1,234 more characters)</i></blockquote>" in text
    assert "é" * (SHOWN + 1) not in text


def test_what_cannot_be_seen_is_named_in_a_sample(release):
    made = release(rows=[row(0, "a\x00b", "x\u202ey")], recipe_=recipe(rules=RULES))
    text = (made.folder / "README.md").read_text("utf-8")
    assert "a[U+0000]b" in text
    assert "x[U+202E]y" in text
    assert not re.search(r"[\x00-\x08\u202a-\u202e\u2066-\u2069]", text)


def test_samples_are_drawn_by_lot_and_not_by_their_place(release):
    rows = [row(n, f"number {n}", "an answer") for n in range(30)]
    chosen = recipe(rules=RULES)
    samples = release("one", rows, chosen).facts["samples"]
    assert [one["row"] for one in samples] == [
        one["row"] for one in release("same", rows, chosen).facts["samples"]
    ]
    assert len(samples) == SAMPLES
    seeds = {
        tuple(
            one["row"]
            for one in release(f"s{seed}", rows, recipe(rules=RULES, seed=seed)).facts["samples"]
        )
        for seed in range(3)
    }
    assert len(seeds) == 3


def test_the_lot_can_be_checked_by_anybody(release):
    rows = [row(n, f"number {n}", "an answer") for n in range(9)]
    made = release("lots", rows, recipe(rules=RULES))
    lots = sorted(range(9), key=lambda n: hashlib.sha256(f"7:u{n}".encode()).hexdigest())
    assert [one["row"] for one in made.facts["samples"]] == lots[:SAMPLES]
    text = (made.folder / "README.md").read_text("utf-8")
    assert "smallest SHA-256 of seed, colon and `uuid` (seed\n7)" in text


@pytest.mark.parametrize("nasty", NASTY[:9])
def test_judges_summaries_and_names_break_no_card(release, nasty):
    rows = [row(n, f"number {n}", "an answer") for n in range(3)]
    said = {
        "quality": {
            0: quality("good", quality_generator=f"judge {nasty}"),
            1: {"quality_error": nasty, "quality_reply": nasty},
            2: quality("poor", quality_explanation=nasty),
        }
    }
    how = {"annotate": {"quality": {}}, "rules": {"instruction": {"r": "instruction <> 'x'"}}}
    server = {"image": nasty, "image_id": nasty, "digest": None, "command": [nasty, nasty]}
    checks = [{"check": nasty, "found": nasty, "fine": False}]
    origin = {"server": server, "preflight": {"checks": checks, "samples": []}}
    made = release("r", rows, annotated_recipe(**how, summary=nasty), said=said, origin=origin)
    data, text = opened(made.folder)
    assert data["license"] == "apache-2.0"
    assert yaml.safe_load((made.folder / "README.md").read_text("utf-8").split("\n---\n")[0])
    assert [token.content for token in headings(text)] == HEADINGS
    for table in tables(text):
        assert {len(line) for line in table} == {len(table[0])}
    html = rendered(text)
    assert not re.search(r"<script|<img (?!src=\"plots/)|<a [^>]*(javascript|evil)", html)


def headings(text):
    tokens = MarkdownIt("commonmark", {"html": True}).parse(text)
    return [
        inline
        for opening, inline in itertools.pairwise(tokens)
        if opening.type == "heading_open" and opening.tag in ("h1", "h2")
    ]


HEADINGS = [
    "tiny-set",
    "At a glance",
    "Samples",
    "Load",
    "Columns",
    "Split `pro`",
    "License",
    "Rebuild",
    "Changelog",
    "Cite",
]
