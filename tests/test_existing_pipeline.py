"""The whole way of rows that exist already: a published set, annotated and filtered anew."""

from __future__ import annotations

import huggingface_hub.constants
import polars as pl
import pytest

from builder.errors import RunChangedError, TemplateError
from builder.pipeline import build, filter_run, prepare
from builder.recipe.model_source import demo_folder
from builder.recipe.resolve import Source, resolve
from builder.run.directory import RunDirectory
from builder.run.progress import Progress
from tests.published import RECIPE, published_row, write_set
from tests.servers.hub import COMMIT, running_hub

LOOP = "again and again and again and again " * 20


@pytest.fixture
def recipe(tmp_path):
    """The recipe with overrides, resolved; its set has 100 rows, four of them odd."""
    odd = {
        6: {"instruction": None},
        7: {"response": ""},
        9: {"instruction": LOOP},
        12: {"instruction": published_row(2)["instruction"]},
        13: {"difficulty": "Hard!", "task_category": "Cooking", "uuid": None},
    }
    write_set(tmp_path / "set.parquet", 100, odd)
    path = tmp_path / "again.yaml"
    path.write_text(RECIPE)
    return lambda *overrides: resolve(Source(str(path), overrides))


@pytest.fixture
def run(tmp_path):
    return RunDirectory(tmp_path / "run")


def released(run, config="filtered"):
    return pl.read_parquet(run.release_path / config / "*.parquet")


def column(run, name):
    return {
        row: value
        for shard in run.shards(run.record())
        for row, value in shard.rows().select("row", value=name).iter_rows()
    }


def kept_rows():
    """Rows at medium or above with a reward above 0, and of the odd ones row 13 alone."""
    return [n for n in range(100) if n % 5 >= 2 and n % 4 and n not in (7, 9, 12)]


def test_a_published_set_becomes_a_release_and_nothing_is_sampled(recipe, run):
    built = build(recipe(), run, Progress())

    assert dict(built.funnel.dropped) == {
        "failed": 2,
        "duplicate": 1,
        "demanding": 39,
        "rewarded": 14,
        "no-loop": 1,
        "unanswered": 0,
        "unjudged": 0,
    }
    assert released(run)["row"].to_list() == kept_rows()
    assert (built.funnel.rows, built.funnel.end, run.record().server) == (100, "target", None)
    assert run.record().preflight is None
    first = released(run).row(0, named=True)
    assert (first["uuid"], first["instruction"], first["response"]) == (
        "uuid-2",
        "What is 2 plus 2, and why is it not 3?",
        "It is 4.",
    )
    assert first["gen_input_configs"] == published_row(2)["gen_input_configs"]


def test_what_the_set_says_is_read_and_what_cannot_be_is_told(recipe, run):
    build(recipe(), run, Progress())

    assert column(run, "difficulty")[13] == "hard"
    assert column(run, "task_category")[13] is None
    assert {row: why for row, why in column(run, "source_unread").items() if why} == {
        13: '"task_category" has "Cooking", which is no label of it'
    }
    assert column(run, "task_category")[14] == "Others"
    assert column(run, "task_category_generator")[14] == "org/judge"
    assert column(run, "instruction_error")[6] == "the data set has no instruction here"


def test_the_same_again_and_tighter_rules_read_nothing(recipe, run):
    first = build(recipe(), run, Progress())
    before = {path: path.read_bytes() for path in run.path.glob("shards/*/*")}

    assert build(recipe(), run, Progress()).funnel == first.funnel
    assert {path: path.read_bytes() for path in run.path.glob("shards/*/*")} == before
    tighter = filter_run(recipe("rules.instruction.demanding=difficulty >= 'hard'"), run)
    assert released(run)["row"].to_list() == [row for row in kept_rows() if row % 5 > 2]
    assert tighter.funnel.rows == 100


def test_a_torn_run_goes_on_where_it_was(recipe, run, tmp_path):
    whole = RunDirectory(tmp_path / "whole")
    build(recipe(), whole, Progress())
    build(recipe(), run, Progress())
    for path in list(run.path.glob("shards/*/*.parquet"))[::2]:
        path.unlink()

    build(recipe(), run, Progress())
    assert released(run, "raw").equals(released(whole, "raw"))


def test_a_changed_set_is_refused_like_a_changed_recipe(recipe, run, tmp_path):
    build(recipe(), run, Progress())
    write_set(tmp_path / "set.parquet", 100)

    with pytest.raises(RunChangedError, match=r"\n  source\.sha256: '\w{64}' -> '\w{64}'\n"):
        build(recipe(), run, Progress())


def test_a_target_that_the_set_cannot_reach_ends_with_all_of_its_rows(recipe, run):
    built = build(recipe("target.kept=90"), run, Progress())

    assert (built.funnel.end, built.funnel.rows) == ("exhausted", 100)
    assert released(run).height == len(kept_rows())


def test_a_target_that_it_reaches_ends_there(recipe, run):
    built = build(recipe("target.kept=10"), run, Progress())

    assert (built.funnel.end, built.funnel.kept) == ("target", 10)
    assert released(run)["row"].to_list() == kept_rows()[:10]


def test_quotas_go_by_labels_of_the_set(recipe, run):
    wanted = ("target.kept=12", "target.by=difficulty", "target.quotas={medium: 4, hard: 8}")
    built = build(recipe(*wanted), run, Progress())

    assert built.funnel.quotas == {"medium": (4, 4), "hard": (8, 8)}
    assert built.funnel.end == "target"


def test_an_annotator_that_is_turned_on_later_judges_anew(recipe, run):
    build(recipe(), run, Progress())
    judged = recipe(
        "annotate=[repetition, quality]",
        "engine.kind=scripted",
        "template={pre_query: '<u>', response_prefix: '<u>', response_suffix: '<a>', "
        "stops: ['<e>'], bos: ''}",
    )

    build(judged, run, Progress())
    own = {row: value for row, value in column(run, "quality_generator").items() if value}
    assert set(own.values()) == {"org/writer"}
    assert set(own) >= set(kept_rows())
    assert column(run, "difficulty")[13] == "hard"


def test_a_machine_is_not_looked_at_where_nobody_asks_the_engine(tmp_path):
    write_set(tmp_path / "set.parquet", 3)
    path = tmp_path / "again.yaml"
    path.write_text(RECIPE + "engine: {kind: tgi, gpus: 8}\n")
    run = RunDirectory(tmp_path / "run")

    resolved = prepare(Source(str(path)), run)
    assert build(resolved, run, Progress()).funnel.kept == 1


@pytest.fixture
def hub(tmp_path, monkeypatch):
    folder = tmp_path / "hub"
    (folder / "data").mkdir(parents=True)
    write_set(folder / "data" / "train-00000-of-00002.parquet", 20)
    write_set(folder / "data" / "train-00001-of-00002.parquet", 30)
    constants = huggingface_hub.constants
    with running_hub("org/model", demo_folder(), datasets={"org/set": folder}) as server:
        pattern = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, server.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", pattern)
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield server


def test_a_set_of_the_hub_is_read_at_its_commit(recipe, run, hub):
    resolved = recipe("source.dataset=org/set", "source.split=train")
    assert resolved.recipe.source.revision == COMMIT

    built = build(resolved, run, Progress())
    assert built.funnel.rows == 50
    assert dict(built.funnel.dropped)["duplicate"] == 20  # the two files begin alike
    assert run.record().shape == {
        "source.dataset": "org/set",
        "source.config": None,
        "source.split": "train",
        "source.revision": COMMIT,
    }


@pytest.mark.usefixtures("hub")
def test_an_annotator_that_needs_the_tokenizer_of_the_model_gets_it(recipe, run):
    build(recipe("model.id=org/model", "annotate=[repetition, lengths]"), run, Progress())

    tokens = column(run, "response_text_tokens")
    assert all(tokens[row] > 0 for row in kept_rows())


@pytest.mark.usefixtures("hub")
def test_a_model_that_cannot_be_read_is_told_to_who_needs_its_tokenizer(recipe, run):
    with pytest.raises(TemplateError, match="org/nobody"):
        build(recipe("model.id=org/nobody", "annotate=[repetition, lengths]"), run, Progress())
    build(recipe("model.id=org/nobody"), run, Progress())
