from __future__ import annotations

from pathlib import Path

import polars as pl


def test_filter_selects_anew_and_generates_nothing(built, here: Path):
    before = {path: path.read_bytes() for path in (here / "runs/tiny/shards").rglob("*.*")}
    said = built(
        "filter", "tiny", "--set", "rules.instruction.long-enough=instruction_length >= 120"
    )
    assert said.status == 0
    kept = pl.read_parquet(here / "runs/tiny/release/filtered/train-00000-of-00001.parquet")
    assert kept["instruction_length"].min() >= 120
    assert {path: path.read_bytes() for path in (here / "runs/tiny/shards").rglob("*.*")} == before


def test_filter_reads_the_recipe_file_as_it_is_now(built, here: Path):
    recipe = here / "tiny.yaml"
    recipe.write_text(recipe.read_text().replace(">= 20", ">= 100"))
    said = built("filter", "runs/tiny", "--json")
    dropped = {step["reason"]: step["rows"] for step in said.document["funnel"]["dropped"]}
    assert dropped["long-enough"] > 7


def test_filter_refuses_a_recipe_of_other_rows(built):
    said = built("filter", "tiny", "--set", "seed=1")
    assert said.status == 2
    assert "  seed: 11 -> 1\n" in said.err


def test_card_is_rendered_from_the_facts(built, here: Path):
    card = here / "runs/tiny/release/README.md"
    text = card.read_text()
    card.write_text("spoiled")
    said = built("card", "tiny")
    assert (said.status, said.out) == (0, "runs/tiny/release/README.md\n")
    assert card.read_text() == text


def test_publish_copies_byte_for_byte(built, here: Path):
    said = built("publish", "tiny", "--to", "./out")
    assert (said.status, said.out) == (0, "Published to ./out: split train\n")
    release = here / "runs/tiny/release"
    files = sorted(path.relative_to(release) for path in release.rglob("*") if path.is_file())
    assert [(here / "out" / path).read_bytes() for path in files] == [
        (release / path).read_bytes() for path in files
    ]
    assert sorted(
        p.relative_to(here / "out") for p in (here / "out").rglob("*") if p.is_file()
    ) == (files)


def test_what_is_no_run_is_named_with_those_that_are(built):
    said = built("card", "tyni")
    assert said.status == 1
    assert said.err == "error: there is no run 'tyni': no run.json in it\nRuns in runs/: tiny.\n"
