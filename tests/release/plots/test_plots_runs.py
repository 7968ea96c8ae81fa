"""A map beside other runs, by the vectors that they have."""

import hashlib
import json
import subprocess
import sys

import polars as pl
import pytest
import yaml

from builder.errors import RunError
from builder.pipeline import build, filter_run
from builder.recipe.resolve import Source, resolve
from builder.release.plots.points import MAP_FILE
from builder.release.plots.runs import find_run, release_id
from builder.release.recipe_text import recipe_text
from builder.run.directory import RunDirectory
from builder.run.progress import Progress
from tests.select.tiny_run import recipe
from tests.test_pipeline import RECIPE

MAPPED = f"""{RECIPE}
annotate: {{embedding: {{backend: lexical}}}}
publish: {{repo: org/set, split: pro}}
"""

PLAIN = ("plots.map=false",)
"""What is not looked at need not be drawn."""


@pytest.fixture
def built(tmp_path):
    """Builds a run of 60 rows: `built("a", seed=1)`; its directory and its release."""

    def make(name, *overrides, anew=False):
        path = tmp_path / "whole-way.yaml"
        path.write_text(MAPPED)
        resolved = resolve(Source(str(path), ("target.kept=60", *overrides)))
        run = RunDirectory(tmp_path / name)
        made = filter_run if anew else build
        done = made(resolved, run) if anew else made(resolved, run, Progress())
        return done.release

    return make


def uuids(tmp_path, name):
    return pl.read_parquet(tmp_path / name / "release/filtered/*.parquet")["uuid"]


def test_the_map_shows_the_rows_of_another_run_by_its_own_vectors(built, tmp_path):
    built("air", "seed=1", *PLAIN)
    made = built("pro", "seed=2", "plots.runs=air")
    assert made.notes == ()
    lines = "".join(f"{uuid}\n" for uuid in uuids(tmp_path, "air"))
    assert made.facts["map"]["sets"] == [
        {
            "name": "air",
            "points": 60,
            "rows": 60,
            "revision": "",
            "release": hashlib.sha256(lines.encode()).hexdigest(),
        }
    ]
    assert made.facts["plots"][-1]["name"] == "map-compared"
    assert made.facts["plots"][-1]["alt"].startswith(
        "Map of 60 instructions of pro and 60 instructions of air, a panel each"
    )
    found = pl.read_parquet(tmp_path / "pro" / MAP_FILE).filter(pl.col("set") == "air")
    theirs = pl.read_parquet(tmp_path / "air/release/filtered/*.parquet")["instruction"]
    assert found["text"].to_list() == theirs.str.head(300).to_list()


def test_the_same_two_runs_give_the_same_bytes_and_none_changes_the_other(
    built, tmp_path, contents
):
    before = contents(built("air", "seed=1", *PLAIN).folder)
    built("one", "seed=2", "plots.runs=air")
    built("two", "seed=2", "plots.runs=air")
    facts = [
        {
            key: value
            for key, value in json.loads(
                (tmp_path / name / "release/facts/pro.json").read_text()
            ).items()
            if key in ("map", "plots")
        }
        for name in ("one", "two")
    ]
    assert facts[0] == facts[1]
    drawn = [
        (tmp_path / name / "release/plots/pro/map-compared.svg").read_bytes()
        for name in ("one", "two")
    ]
    assert drawn[0] == drawn[1]
    assert contents(tmp_path / "air/release") == before


def test_two_runs_that_name_each_other_come_to_rest(built, contents, tmp_path):
    air = ("air", "seed=1", "publish.split=air", "plots.runs=pro")
    first = built(*air)
    assert first.notes == (
        f"The map does not show pro: there is no run pro (looked for {tmp_path / 'pro'}, "
        f"runs/pro). Once that is mended: `magpie filter {tmp_path / 'air'}`",
    )
    built("pro", "seed=2", "plots.runs=air")
    again = built(*air, anew=True)
    assert [one["name"] for one in again.facts["map"]["sets"]] == ["pro"]
    rested = contents(tmp_path / "pro/release")
    built("pro", "seed=2", "plots.runs=air", anew=True)
    assert contents(tmp_path / "pro/release") == rested


def test_the_released_recipe_names_runs_and_no_folders():
    runs = ["/data/air", "../two", "magpie-pro"]
    written = yaml.safe_load(recipe_text(recipe(plots={"runs": runs})))
    assert written["plots"]["runs"] == ["air", "two", "magpie-pro"]


def test_a_run_called_like_the_split_gets_another_name(built):
    built("pro", "seed=1", *PLAIN)
    made = built("other", "seed=2", "plots.runs=pro")
    assert [one["name"] for one in made.facts["map"]["sets"]] == ["pro (2)"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("release", "has no release yet"),
        ("vectors", "it has no vectors of its kept rows"),
        ("model", "its vectors are of other, and this run's of lexical-1"),
        ("record", "run.json cannot be read: "),
        ("parquet", "cannot be read: "),
    ],
)
def test_a_run_that_cannot_be_shown_is_left_out_with_a_note(built, tmp_path, spoil, said):
    built("air", "seed=1", *PLAIN)
    air = tmp_path / "air"
    for path in sorted(air.glob("shards/*/embedding-*")):
        if spoil == "vectors":
            path.unlink()
        elif spoil == "model" and path.suffix == ".parquet":
            found = pl.read_parquet(path)
            found.with_columns(embedding_model=pl.lit("other")).write_parquet(path)
        elif spoil == "model":
            path.write_text(path.read_text().replace("lexical-1", "other"))
    if spoil == "release":
        (air / "release").rename(air / "gone")
    if spoil == "record":
        (air / "run.json").write_text("{}")
    for path in air.glob("release/filtered/*.parquet") if spoil == "parquet" else ():
        path.write_bytes(b"PAR1")
    made = built("pro", "seed=2", "plots.runs=air")
    assert made.facts["map"]["sets"] == []
    (note,) = made.notes
    assert note.startswith("The map does not show air: ")
    assert said in note
    assert note.endswith(f"Once that is mended: `magpie filter {tmp_path / 'pro'}`")


# where a run is looked for


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Makes directories of runs: `runs("beside/air", "runs/air", recipe)`."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def make(name, recipe="none"):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps({"recipe": {"name": recipe}}))
        return folder

    return make


def test_a_name_is_looked_up_beside_the_run_then_in_runs(runs, tmp_path):
    own = runs("data/pro")
    far = runs("here/runs/air")
    assert find_run("air", own, tmp_path).resolve() == far
    near = runs("data/air")
    assert find_run("air", own, tmp_path) == near


def test_a_name_of_a_recipe_finds_the_one_run_of_it_beside(runs, tmp_path):
    own = runs("data/pro", "magpie-pro")
    air = runs("data/first", "magpie-air")
    assert find_run("magpie-air", own, tmp_path) == air
    runs("data/second", "magpie-air")
    with pytest.raises(RunError, match="there is no run magpie-air"):
        find_run("magpie-air", own, tmp_path)


def test_a_path_starts_from_the_recipe_or_from_here(runs, tmp_path):
    own = runs("data/pro")
    air = runs("else/air")
    assert find_run("./else/air", own, tmp_path) == tmp_path / "else/air"
    assert find_run("../else/air", own, tmp_path / "no").resolve() == air
    assert find_run(str(air), own, tmp_path / "no") == air


def test_a_run_is_not_put_beside_itself(runs, tmp_path):
    own = runs("data/pro")
    with pytest.raises(RunError, match=r"^pro is this run itself"):
        find_run("pro", own, tmp_path)


def test_a_release_is_told_by_the_rows_that_it_kept():
    assert release_id(pl.Series(["a", "b"])) == hashlib.sha256(b"a\nb\n").hexdigest()


def test_the_slow_library_is_imported_only_to_lay_out_anew(built, tmp_path):
    built("pro", "seed=2")
    command = f"""
import pathlib, sys
from builder.pipeline import filter_run
from builder.recipe.resolve import Source, resolve
from builder.run.directory import RunDirectory

folder = pathlib.Path({str(tmp_path)!r})
source = Source(str(folder / "whole-way.yaml"), ("target.kept=60", "seed=2"))
made = filter_run(resolve(source), RunDirectory(folder / "pro"))
print(made.release.facts["map"]["points"], "openTSNE" in sys.modules)
"""
    found = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True
    )
    assert found.stdout == "60 False\n"
