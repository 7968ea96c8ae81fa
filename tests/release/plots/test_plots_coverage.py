import importlib.util
import json
import random

import numpy as np
import polars as pl
import pytest

from builder.errors import RunError
from builder.release.copy import copy_release
from builder.release.plots import tsne
from builder.release.plots.points import MAP_FILE, PLACES, sampled
from tests.release.annotated import vector
from tests.select.tiny_run import recipe, row

ROWS = [row(i, f"Request number {i}", f"Answer {i}") for i in range(60)]
LABELS = ("Math", "Editing", "Others")


def said(seed=1):
    """Vectors in three clusters, whose rows have a task each."""
    numbers = random.Random(seed)
    vectors, tasks = {}, {}
    for i in range(60):
        place = [5.0 * (i % 3 == axis) + numbers.gauss() for axis in range(4)]
        vectors[i] = vector(*place)
        tasks[i] = {
            "task_category": LABELS[i % 3],
            "other_task_category": [],
            "task_category_generator": "m",
        }
    return {"embedding": vectors, "category": tasks}


def lexical(*numbers):
    """A vector that the built-in backend is said to have computed."""
    return vector(*numbers) | {"embedding_model": "lexical-1"}


def mapped(**changes):
    return recipe(**({"annotate": {"embedding": {}, "category": {}}} | changes))


@pytest.fixture
def made(release):
    return release(rows=ROWS, recipe_=mapped(), said=said())


def test_a_map_shows_the_kept_rows_task_by_task(made):
    told = made.facts["plots"][-1]
    assert told["name"] == "map"
    assert told["alt"] == (
        "Map of 60 kept instructions, by t-SNE of their vectors: what is alike lies together. "
        "A panel a task: Editing 33.3 %, Math 33.3 %, Others 33.3 %."
    )
    assert made.facts["map"] == {
        "points": 60,
        "rows": 60,
        "method": f"t-SNE (openTSNE {tsne.version()}), perplexity 30",
        "sets": [],
    }
    assert made.notes == ()
    drawing = (made.folder / told["file"]).read_text(encoding="utf-8")
    assert drawing.count("<use ") == 3


def test_places_stand_beside_the_selection_for_who_wants_to_look_closer(made):
    found = pl.read_parquet(made.folder.parent / MAP_FILE).select(list(PLACES))
    assert dict(found.schema) == PLACES
    assert found["row"].to_list() == list(range(60))
    assert found["set"].null_count() == found["text"].null_count() == 60
    corners = found.select(
        pl.min_horizontal("x", "y").min(), high=pl.max_horizontal("x", "y").max()
    )
    assert corners.row(0) == (0.0, 1.0)


def test_alike_lies_together(made):
    found = pl.read_parquet(made.folder.parent / MAP_FILE)
    places = found.select("x", "y").to_numpy()
    away = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(away, 9)
    nearest = away.argmin(axis=1)
    assert (nearest % 3 == np.arange(60) % 3).mean() > 0.9


def test_the_same_rows_give_the_same_bytes_also_without_the_places_of_before(
    release, contents, tmp_path
):
    first = contents(release(rows=ROWS, recipe_=mapped(), said=said()).folder)
    other = contents(release("other", rows=ROWS, recipe_=mapped(), said=said()).folder)
    assert first == other


def test_places_of_the_same_vectors_are_not_computed_again(release, tmp_path, monkeypatch):
    release(rows=ROWS, recipe_=mapped(), said=said())
    kept = pl.read_parquet(tmp_path / "run" / MAP_FILE)
    kept.with_columns(x=pl.lit(0.25)).write_parquet(tmp_path / "run" / MAP_FILE)
    again = release(rows=None, recipe_=mapped())
    assert again.facts["map"]["points"] == 60
    assert pl.read_parquet(tmp_path / "run" / MAP_FILE)["x"].unique().to_list() == [0.25]


def test_places_of_other_vectors_are_computed_anew(release, tmp_path):
    release("one", rows=ROWS, recipe_=mapped(), said=said(1))
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / MAP_FILE).write_bytes((tmp_path / "one" / MAP_FILE).read_bytes())
    release(rows=ROWS, recipe_=mapped(), said=said(2))
    old, new = (pl.read_parquet(tmp_path / name / MAP_FILE) for name in ("one", "run"))
    assert old["digest"][0] != new["digest"][0]
    assert not old["x"].equals(new["x"])


@pytest.mark.parametrize("broken", [b"", b"PAR1 and nothing more"])
def test_a_broken_file_of_places_is_written_anew(release, tmp_path, broken):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / MAP_FILE).write_bytes(broken)
    release(rows=ROWS, recipe_=mapped(), said=said())
    assert pl.read_parquet(tmp_path / "run" / MAP_FILE).height == 60


def test_a_recipe_can_do_without_the_map_and_none_of_an_older_release_stays(release, tmp_path):
    release(rows=ROWS, recipe_=mapped(), said=said())
    without = release(rows=None, recipe_=mapped(plots={"map": False}))
    assert without.facts["map"] is None
    assert "map" not in [one["name"] for one in without.facts["plots"]]
    assert list((without.folder / "plots/pro").glob("map*")) == []
    assert not (tmp_path / "run" / MAP_FILE).exists()


def test_too_few_vectors_make_no_map(release):
    few = {name: {i: rows[i] for i in range(40)} for name, rows in said().items()}
    made = release(rows=ROWS[:40], recipe_=mapped(), said=few)
    assert (made.facts["map"], made.notes) == (None, ())


def test_without_the_extra_there_is_no_map_and_a_note_says_how_to_get_one(release, monkeypatch):
    there = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "openTSNE" else there(name)
    )
    made = release(rows=ROWS, recipe_=mapped(), said=said())
    assert made.facts["map"] is None
    assert made.notes == (
        "The release has no map: the map needs the package openTSNE, which is not installed. "
        "Run: pip install 'magpie-builder[plots]'",
    )
    assert "category" in [one["name"] for one in made.facts["plots"]]


def test_without_tasks_the_map_is_one_panel(release):
    only = {"embedding": said()["embedding"]}
    made = release(rows=ROWS, recipe_=mapped(annotate={"embedding": {}}), said=only)
    drawing = (made.folder / "plots/pro/map.svg").read_text(encoding="utf-8")
    assert "<use " not in drawing
    assert "A panel" not in made.facts["plots"][-1]["alt"]


def test_a_map_beside_another_data_set_that_the_recipe_names(release, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = (json.dumps({"instruction": f"Bake {i} loaves"}) for i in range(70))
    (tmp_path / "bread.jsonl").write_text("\n".join(lines), encoding="utf-8")
    numbers = random.Random(3)
    wide = {i: lexical(*(numbers.gauss() / 20 for _ in range(384))) for i in range(60)}
    chosen = mapped(annotate={"embedding": {}}, plots={"compare": "./bread.jsonl"})
    made = release(rows=ROWS, recipe_=chosen, said={"embedding": wide})
    assert made.facts["map"]["sets"] == [
        {"name": "bread.jsonl", "points": 70, "rows": 70, "revision": ""}
    ]
    assert made.facts["plots"][-1]["name"] == "map-compared"
    assert made.facts["plots"][-1]["alt"].startswith(
        "Map of 60 instructions of pro and 70 instructions of bread.jsonl, a panel each"
    )
    found = pl.read_parquet(tmp_path / "run" / MAP_FILE)
    others = found.filter(pl.col("set") == "bread.jsonl")
    assert others["text"].str.starts_with("Bake ").all()
    assert str(tmp_path) not in (made.folder / "recipe/pro.yaml").read_text(encoding="utf-8")


def test_vectors_of_another_width_are_refused(release, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bread.jsonl").write_text('{"instruction": "Bake"}\n', encoding="utf-8")
    chosen = mapped(plots={"compare": ["./bread.jsonl"]})
    narrow = {i: one | {"embedding_model": "lexical-1"} for i, one in said()["embedding"].items()}
    with pytest.raises(RunError, match="has 384 components, and those of the run have 4"):
        release(rows=ROWS, recipe_=chosen, said=said() | {"embedding": narrow})
    assert not (tmp_path / "run/release").exists()


def test_a_sample_of_rows_is_fixed_and_mostly_kept_as_a_set_grows():
    rows = pl.DataFrame({"row": range(100), "uuid": [f"u{i}" for i in range(100)]})
    found = sampled(rows, 30)
    assert found.to_list() == sorted(found.to_list())
    assert sampled(rows[::-1], 30).equals(found)
    fewer = sampled(rows.head(90), 30)
    assert len(set(fewer) & set(found)) >= 25
    assert sampled(rows, 100).to_list() == list(range(100))


def test_too_few_vectors_are_refused():
    with pytest.raises(ValueError, match="49 vectors are too few"):
        tsne.laid_out(np.zeros((49, 3), dtype=np.float32))


def test_the_card_shows_each_plot_with_its_words(made):
    card = (made.folder / "README.md").read_text(encoding="utf-8")
    for one in made.facts["plots"]:
        assert f'<img src="{one["file"]}" alt="' in card
        assert (made.folder / one["file"]).is_file()
    assert card.count("<img ") == len(made.facts["plots"])


def test_a_folder_of_two_splits_has_the_plots_of_both_and_those_of_both_together(release, tmp_path):
    air = recipe(publish={"repo": "org/tiny-set", "split": "air"})
    copy_release(release("one", rows=ROWS[:20]).folder, tmp_path / "set")
    before = (tmp_path / "set/plots/pro/funnel.svg").read_bytes()
    copy_release(release("two", rows=ROWS, recipe_=air).folder, tmp_path / "set")
    assert (tmp_path / "set/plots/pro/funnel.svg").read_bytes() == before
    names = {path.name for path in (tmp_path / "set/plots/all-splits").iterdir()}
    assert names == {"instruction-length.svg", "response-length.svg"}
    card = (tmp_path / "set/README.md").read_text(encoding="utf-8")
    assert "plots/all-splits/response-length.svg" in card
    assert "20 rows of pro" in card or "60 rows of air" in card
