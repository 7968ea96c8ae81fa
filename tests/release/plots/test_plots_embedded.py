"""A map beside other data sets, whose instructions the server of the run's own vectors embeds."""

import json

import polars as pl
import pytest

from builder.generate.means import embedding_server as reach
from builder.pipeline import build, filter_run, prepare
from builder.recipe.resolve import Source
from builder.release.plots import tsne
from builder.release.plots.embedded import COMPARED_FILE
from builder.release.plots.points import MAP_FILE
from builder.run.directory import RunDirectory
from builder.run.progress import Progress
from tests.release.annotated import vector
from tests.select.tiny_run import recipe, row
from tests.servers.embedding import STRICT, TEI, embedding_server, vector_of
from tests.servers.embedding.server import SHA
from tests.servers.faults import FaultPlan
from tests.test_pipeline import RECIPE

ROWS = [row(i, f"Request number {i}", f"Answer {i}") for i in range(60)]
MPNET = f"sentence-transformers/all-mpnet-base-v2@{SHA}"
BREAD = [f"Bake {i} loaves" for i in range(70)]


def said(model=MPNET):
    """What the server said of the run's own rows."""
    return {
        "embedding": {
            i: vector(*vector_of(f"Request number {i}", 8)) | {"embedding_model": model}
            for i in range(60)
        }
    }


def served(url, *names):
    options = {"backend": "server", "endpoint": url}
    return recipe(annotate={"embedding": options}, plots={"compare": list(names)})


@pytest.fixture
def bread(tmp_path, monkeypatch):
    """A data set of 70 instructions, one of which stands twice."""
    monkeypatch.chdir(tmp_path)
    lines = [json.dumps({"instruction": text}) for text in (*BREAD, BREAD[0])]
    (tmp_path / "bread.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return "./bread.jsonl"


def texts_asked(server):
    """All texts that a server was asked for, without its first one."""
    bodies = [body[server.dialect.field] for body in server.bodies]
    return sorted(text for texts in bodies for text in texts if text != "Hello")


@pytest.mark.parametrize("dialect", [TEI, STRICT], ids=lambda one: one.name)
def test_the_server_of_the_run_embeds_the_other_set(release, bread, tmp_path, dialect):
    model = MPNET if dialect.tei else MPNET.partition("@")[0]
    with embedding_server(dialect) as server:
        made = release(rows=ROWS, recipe_=served(server.url, bread), said=said(model), reach=reach)
        assert texts_asked(server) == sorted(BREAD)
    assert made.notes == ()
    assert made.facts["map"] == {
        "points": 60,
        "rows": 60,
        "method": f"t-SNE (openTSNE {tsne.version()}), perplexity 30",
        "sets": [{"name": "bread.jsonl", "points": 70, "rows": 71, "revision": ""}],
    }
    assert made.facts["plots"][-1]["alt"].startswith(
        "Map of 60 instructions of pro and 70 of 71 instructions of bread.jsonl, a panel each"
    )
    kept = pl.read_parquet(tmp_path / "run" / COMPARED_FILE)
    assert sorted(kept["text"]) == sorted(BREAD)
    assert kept["embedding_model"].unique().to_list() == [model]


def test_what_fails_is_asked_again_as_in_a_build(release, bread):
    faults = FaultPlan(numbered={1: "unavailable", 2: "overloaded", 3: "cut_json"})
    with embedding_server(TEI, faults) as server:
        made = release(rows=ROWS, recipe_=served(server.url, bread), said=said(), reach=reach)
        assert set(server.injected) == {"unavailable", "overloaded", "cut_json"}
    assert [one["points"] for one in made.facts["map"]["sets"]] == [70]
    assert made.notes == ()


def test_a_server_that_is_gone_leaves_a_release_without_the_set_and_a_note(
    release, bread, tmp_path, monkeypatch
):
    from builder.engines.remote import asking

    monkeypatch.setattr(asking, "FIRST_PAUSE", 0.0)
    with embedding_server(TEI) as server:
        url = server.url
    chosen = served(url, bread)
    made = release(rows=ROWS, recipe_=chosen, said=said(), reach=reach)
    assert made.facts["map"]["sets"] == []
    assert [one["name"] for one in made.facts["plots"]][-1] == "map"
    (note,) = made.notes
    assert note.startswith("The map does not show ./bread.jsonl: the server was asked 5 times: ")
    assert note.endswith(f"Once that is mended: `magpie filter {tmp_path / 'run'}`")
    assert not (tmp_path / "run" / COMPARED_FILE).exists()


def test_a_release_that_is_made_again_asks_nobody_and_is_the_same(
    release, bread, contents, monkeypatch
):
    with embedding_server(TEI) as server:
        chosen = served(server.url, bread)
        first = release(rows=ROWS, recipe_=chosen, said=said(), reach=reach)
        before, asked = contents(first.folder), len(server.bodies)
        monkeypatch.setattr(tsne, "laid_out", None)  # and lays out nothing
        again = release(rows=None, recipe_=chosen, reach=reach)
        assert len(server.bodies) == asked
    assert contents(again.folder) == before


def test_only_new_texts_are_asked_for(release, bread, tmp_path):
    with embedding_server(TEI) as server:
        chosen = served(server.url, bread)
        release(rows=ROWS, recipe_=chosen, said=said(), reach=reach)
        more = [json.dumps({"instruction": text}) for text in (*BREAD, "Eat them")]
        (tmp_path / "bread.jsonl").write_text("\n".join(more), encoding="utf-8")
        made = release(rows=None, recipe_=chosen, reach=reach)
        assert texts_asked(server) == sorted([*BREAD, "Eat them"])
    assert [one["points"] for one in made.facts["map"]["sets"]] == [71]


def test_a_text_that_the_server_refuses_is_left_out(release, bread, tmp_path):
    lines = [json.dumps({"instruction": text}) for text in (*BREAD, "unspeakable", "nan")]
    (tmp_path / "bread.jsonl").write_text("\n".join(lines), encoding="utf-8")
    with embedding_server(TEI) as server:
        made = release(rows=ROWS, recipe_=served(server.url, bread), said=said(), reach=reach)
    assert made.facts["map"]["sets"] == [
        {"name": "bread.jsonl", "points": 70, "rows": 72, "revision": ""}
    ]


def test_a_server_with_another_model_is_not_mixed_with_the_run(release, bread, tmp_path):
    with embedding_server(TEI) as server:
        chosen = served(server.url, bread)
        made = release(rows=ROWS, recipe_=chosen, said=said("old@1"), reach=reach)
    assert made.facts["map"]["sets"] == []
    assert made.notes == (
        f"The map does not show ./bread.jsonl: the recipe's embedding model is {MPNET} now, and "
        "the run's own vectors are of old@1. Vectors of two models cannot lie on one map. Once "
        f"that is mended: `magpie filter {tmp_path / 'run'}`",
    )


def test_a_broken_file_of_vectors_is_written_anew(release, bread, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / COMPARED_FILE).write_bytes(b"PAR1 and nothing more")
    with embedding_server(TEI) as server:
        release(rows=ROWS, recipe_=served(server.url, bread), said=said(), reach=reach)
    assert pl.read_parquet(tmp_path / "run" / COMPARED_FILE).height == 70


def test_without_sets_to_compare_with_no_vectors_of_others_stay(release, bread, tmp_path):
    with embedding_server(TEI) as server:
        release(rows=ROWS, recipe_=served(server.url, bread), said=said(), reach=reach)
        release(rows=None, recipe_=served(server.url), reach=reach)
    assert not (tmp_path / "run" / COMPARED_FILE).exists()
    assert pl.read_parquet(tmp_path / "run" / MAP_FILE)["set"].null_count() == 60


def test_a_set_that_cannot_be_read_any_more_costs_no_release(release, bread, tmp_path):
    (tmp_path / "bread.jsonl").unlink()
    with embedding_server(TEI) as server:
        made = release(rows=ROWS, recipe_=served(server.url, bread), said=said(), reach=reach)
        assert server.bodies == []
    assert made.notes == (
        "The map does not show ./bread.jsonl: there is no file or folder bread.jsonl. Name "
        "another data set, or leave it out: --set plots.compare=[]. Once that is mended: "
        f"`magpie filter {tmp_path / 'run'}`",
    )


def test_the_whole_way_embeds_rows_and_the_other_set_by_one_server(bread, tmp_path):
    (tmp_path / "whole-way.yaml").write_text(RECIPE)
    with embedding_server(TEI) as server:
        options = f"annotate.embedding={{backend: server, endpoint: {server.url}}}"
        told = ("target.kept=60", options, f"plots.compare={bread}", "publish.split=pro")
        source = Source(str(tmp_path / "whole-way.yaml"), (*told, "publish.repo=org/set"))
        run = RunDirectory(tmp_path / "run")
        made = build(prepare(source, run), run, Progress()).release
        asked = len(server.bodies)
        again = filter_run(prepare(source, run), run).release
        assert len(server.bodies) == asked
    assert (made.notes, again.notes) == ((), ())
    assert [one["points"] for one in made.facts["map"]["sets"]] == [70]
    assert again.facts["map"] == made.facts["map"]
