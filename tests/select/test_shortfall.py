import contextlib

import polars as pl
import pytest

from builder.recipe.annotators import stages
from builder.recipe.goal import goal_of
from builder.run.shards import Shards
from builder.select.judged import judged
from builder.select.selection import combined, covered, select
from builder.select.shortfall import Shortfall, novelty, shortfalls
from tests.select.tiny_run import recipe, row, write_run

QUOTAS = {"by": "task_category", "kept": 6, "quotas": {"Math": 3, "Editing": 2, "Planning": 1}}
RULES = {
    "instruction": {"short": "instruction_length > 3", "clean": "instruction_length < 30"},
    "response": {"wordy": "response_length >= 2"},
}
LABELS = ("Math", "Math", "Math", "Math", "Editing", "Editing", "Others", None)


def quota_run(folder, **target):
    """Eight rows in two shards: four Math, of which two are dropped, and nothing to plan."""
    told = recipe(target=QUOTAS | target, annotate=["category"], rules=RULES)
    texts = [f"Instruction {number}" for number in range(8)]
    texts[2], texts[7] = "Instruction 0", "hi"
    answers = ["fine", "x", "fine", "fine", "fine", "fine", None, None]
    rows = [
        row(n, text, answer) for n, (text, answer) in enumerate(zip(texts, answers, strict=True))
    ]
    write_run(folder, rows)
    shards = Shards(folder / "shards", 4, stages(told))
    stage = next(name for name in stages(told) if name.startswith("category-"))
    with contextlib.ExitStack() as stack:
        journals = [stack.enter_context(shards.shard(n).open_journal(stage)) for n in (0, 1)]
        for number, label in enumerate(LABELS):
            if label is not None:
                record = {"row": number, "uuid": f"u{number}", "task_category": label}
                journals[number // 4].append(record)
    return shards, told


def test_each_label_that_is_short_is_told_with_what_drops_its_rows(tmp_path):
    shards, told = quota_run(tmp_path)
    funnel = select(shards, told, tmp_path / "selection.parquet")
    assert funnel.quotas == {"Math": (3, 2), "Editing": (2, 2), "Planning": (1, 0)}
    assert shortfalls(shards, told, tmp_path / "selection.parquet") == (
        Shortfall("Math", 3, 2, 4, (("duplicate", 1), ("wordy", 1))),
        Shortfall("Planning", 1, 0, 0, ()),
    )


def test_quotas_that_are_met_and_runs_without_any_have_no_shortfall(tmp_path):
    shards, told = quota_run(tmp_path, kept=4, quotas={"Math": 2, "Editing": 2})
    path = tmp_path / "selection.parquet"
    assert select(shards, told, path).end == "target"
    assert shortfalls(shards, told, path) == ()
    assert shortfalls(shards, recipe(), path) == ()


def test_a_shortfall_is_plain_values():
    assert Shortfall("Math", 3, 2, 4, (("wordy", 2),)).to_json() == {
        "label": "Math",
        "wanted": 3,
        "kept": 2,
        "rows": 4,
        "dropped": [{"reason": "wordy", "rows": 2}],
    }


def repeating(number):
    """A row of a model that runs dry: ever more of its instructions are the same."""
    if number % 50 == 7:
        return row(number, None, None)
    if number % 50 == 9:
        return row(number, "cut", instruction_finish_reason="length")
    if number % 50 == 11:
        return row(number, f"Terse {number}", "x")
    return row(number, f"Instruction {number % (600 + number % 7)}")


@pytest.mark.parametrize(("bound", "measured"), [(0.9, 0.591), (0.5, 0.499), (0.3, 0.299)])
def test_novelty_is_what_sampling_has_measured(tmp_path, bound, measured):
    told = recipe(target={"sampled": 3000, "novelty": bound})
    shards = write_run(tmp_path, map(repeating, range(2000)), rows_a_shard=128)
    path = tmp_path / "selection.parquet"
    funnel = select(shards, told, path)
    _, course = covered(combined(judged(shards, told)), goal_of(told))
    assert (funnel.end, course.end) == ("saturated", "saturated")
    assert novelty(shards, told, path) == course.novelty == measured


def test_novelty_of_few_instructions_is_not_told(tmp_path):
    told = recipe()
    shards = write_run(tmp_path, map(repeating, range(300)), rows_a_shard=128)
    select(shards, told, tmp_path / "selection.parquet")
    assert novelty(shards, told, tmp_path / "selection.parquet") is None
    assert pl.read_parquet(tmp_path / "selection.parquet").height == 300
