from __future__ import annotations

import pytest

from builder.cli.ending import Ending, ending_words
from builder.recipe.schema import Target
from builder.select.funnel import Funnel
from builder.select.shortfall import Shortfall


def said(end, target=Target(kept=100), missing=0, **found):  # noqa: B008  (it is frozen)
    return list(ending_words(Ending(Funnel(6200, (), 80, end, missing), target, **found)))


def test_a_target_that_is_reached_needs_no_words():
    assert said("target") == []


def test_a_model_that_runs_dry_is_told_with_how_much_was_new():
    assert said("saturated", Target(kept=100, novelty=0.05), missing=20, novelty=0.031) == [
        "Stopped before the target: of the newest 1,000 instructions only 3.1 % were new "
        "(target.novelty is 5 %).",
        "Rows that are missing: 20.",
    ]


def test_a_data_set_that_has_no_more_rows_is_told_with_its_size():
    assert said("exhausted", missing=20) == [
        "Stopped before the target: the data set has no more than 6,200 rows.",
        "Rows that are missing: 20.",
    ]


@pytest.mark.parametrize(
    ("short", "words"),
    [
        (
            Shortfall("Math", 30, 12, 252, (("good", 212), ("whole", 20), ("near", 6), ("x", 2))),
            "Quota not met: Math 12 of 30; 252 of 6,200 rows were given this label; dropped by "
            "`good` 212, `whole` 20, `near` 6.",
        ),
        (
            Shortfall("Math", 30, 12, 12, ()),
            "Quota not met: Math 12 of 30; 12 of 6,200 rows were given this label, and none of "
            "these was dropped.",
        ),
        (
            Shortfall("Math", 30, 0, 0, ()),
            "Quota not met: Math 0 of 30; none of 6,200 rows was given this label.",
        ),
    ],
)
def test_a_quota_that_is_not_met_is_told_with_what_drops_its_rows(short, words):
    assert said("unmet", missing=18, short=(short,)) == [
        "Stopped before the target: the last 5,000 rows brought nothing to any quota that is open.",
        words,
    ]


def test_a_run_that_is_not_done_says_how_to_go_on():
    assert said(None, missing=1) == [
        "The target is not reached yet: `magpie build` goes on.",
        "Rows that are missing: 1.",
    ]
