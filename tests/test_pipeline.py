"""The whole way, in this process: recipe, rows, selection, release."""

from __future__ import annotations

import pytest

from builder.errors import InterruptedRunError, RunError
from builder.pipeline import build, filter_run
from builder.recipe.resolve import Source, resolve
from builder.run.directory import RunDirectory
from builder.run.progress import Progress
from builder.run.status import status_of

RECIPE = """
name: whole-way
version: 1.0.0
summary: Rows for tests.
model: {id: org/none, license: mit}
template:
  pre_query: "<user>"
  response_prefix: "<user>"
  response_suffix: "<model>"
  stops: ["<end>"]
  bos: ""
engine: {kind: scripted}
seed: 3
target: {kept: 40}
instruction: {sweep: [{temperature: 1.0}], max_tokens: 40}
response: {max_tokens: 40}
rules:
  instruction: {long-enough: "instruction_length >= 20"}
"""


@pytest.fixture
def recipe(tmp_path):
    """The recipe with overrides, resolved."""
    path = tmp_path / "whole-way.yaml"
    path.write_text(RECIPE)
    return lambda *overrides: resolve(Source(str(path), overrides))


@pytest.fixture
def run(tmp_path):
    return RunDirectory(tmp_path / "run")


def shard_files(run):
    return {path: path.read_bytes() for path in run.path.glob("shards/*/*")}


def test_a_recipe_becomes_a_release(recipe, run):
    progress = Progress()
    built = build(recipe(), run, progress)
    assert (built.funnel.kept, progress.phase) == (40, "selecting")
    assert built.release.folder == run.release_path
    names = [event["event"] for event in run.events()]
    assert (names[0], names[-1]) == ("build", "released")
    status = status_of(run)
    assert (status.kept, status.released, status.pid) == (40, True, None)


def test_the_same_recipe_again_samples_nothing(recipe, run):
    first = build(recipe(), run, Progress())
    before = shard_files(run)
    assert build(recipe(), run, Progress()).funnel == first.funnel
    assert shard_files(run) == before
    assert [event["event"] for event in run.events()].count("sampling") == 1


def test_an_edit_of_the_rules_selects_anew_and_samples_nothing(recipe, run):
    first = build(recipe(), run, Progress())
    before = shard_files(run)
    tighter = recipe("rules.instruction.long-enough=instruction_length >= 60")
    second = filter_run(tighter, run)
    assert 0 < second.funnel.kept < first.funnel.kept
    assert shard_files(run) == before
    assert filter_run(recipe(), run).funnel == first.funnel


def test_filtering_what_is_no_run_samples_nothing(recipe, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").touch()
    with pytest.raises(RunError, match=r"is no run, and not empty: it holds 'notes.txt'"):
        filter_run(recipe(), RunDirectory(tmp_path / "other"))


def test_a_budget_stops_the_run_and_a_larger_one_goes_on(recipe, run):
    slow = recipe("engine.delay=0.02")
    with pytest.raises(InterruptedRunError, match=r"^stopped: the budget is spent, with "):
        build(slow, run, Progress(), budget=0.3)
    with pytest.raises(InterruptedRunError, match=r"^stopped: the run has used "):
        build(slow, run, Progress(), budget=0.3)
    assert not run.release_path.exists()
    assert build(recipe(), run, Progress(), budget=1000).funnel.kept == 40
