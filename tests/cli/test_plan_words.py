from __future__ import annotations

import dataclasses

import pytest

from builder.cli.amounts import amount_of, few_digits
from builder.cli.plan_words import money_words, plan_line, plan_rows
from builder.run.plan import Plan
from builder.run.yields import Share

MONEY = {"amount": 2.1, "currency": "USD", "complete": True}
PLAN = Plan(
    measured=Share(50, 100),
    goal=1560,
    rows=3120,
    between=(2617, 3864),
    kept=1560,
    tokens=1_240_000,
    seconds=1500.0,
    seconds_left=1380.0,
    gpu_hours=0.4,
    money=MONEY,
    budget={"gpu_hours": 1.0, "enough": True},
)


def told(**changes):
    return dataclasses.replace(PLAN, **changes).to_json()


def test_a_plan_in_a_line():
    assert plan_line(told()) == (
        "plan: 3,120 rows to sample · 1.2 M tokens · 0.4 GPU-hours · 2.10 USD · "
        "budget 1.0 GPU-hours"
    )


def test_a_line_leaves_out_what_is_not_known_and_says_what_a_small_budget_brings():
    budget = {"gpu_hours": 0.1, "enough": False, "rows": 800, "kept": 390}
    assert plan_line(told(gpu_hours=0.0, money=None, budget=budget)) == (
        "plan: 3,120 rows to sample · 1.2 M tokens · budget 0.1 GPU-hours brings about 390 kept"
    )


def test_a_plan_with_all_that_is_known():
    scarcest = {"label": "Math", "wanted": 30, "kept": 2}
    assert list(plan_rows(told(scarcest=scarcest))) == [
        ("goal", "1,560 rows that pass the rules"),
        ("yield", "50.0% of the rows kept (40.4% to 59.6%)"),
        ("rows", "3,120 to sample in all (2,617 to 3,864)"),
        ("tokens", "1.2 M to generate in all"),
        ("time", "23 min 00 s left"),
        ("GPU-hours", "0.4 in all"),
        ("cost", "2.10 USD in all"),
        ("scarcest", "Math: 2 of 30 kept so far"),
        ("budget", "1.0 GPU-hours: enough"),
    ]


def test_a_plan_of_which_nothing_is_known_says_the_least():
    budget = {"gpu_hours": 0.1, "enough": None, "rows": 800, "kept": None}
    unknown = dict.fromkeys(("kept", "tokens", "seconds", "seconds_left", "gpu_hours", "money"))
    plan = told(rows=None, between=(811, None), measured=Share(0, 100), budget=budget, **unknown)
    assert list(plan_rows(plan)) == [
        ("goal", "1,560 rows that pass the rules"),
        ("yield", "0.0% of the rows kept (0.0% to 3.7%)"),
        ("rows", "more than 811 to sample: too few are kept so far to say"),
        ("budget", "0.1 GPU-hours: perhaps not enough; it brings about 800 rows sampled"),
    ]
    assert plan_line(plan).startswith("plan: more than 811 to sample: ")


def test_rows_that_are_certain_have_no_range():
    assert dict(plan_rows(told(goal=None, between=(3120, 3120))))["rows"] == (
        "3,120 to sample in all"
    )


@pytest.mark.parametrize(
    ("amount", "complete", "words"),
    [
        (0.0, True, "0.00 USD"),
        (0.0123, True, "0.012 USD"),
        (1234.5, True, "1,234.50 USD"),
        (2.1, False, "at least 2.10 USD"),
    ],
)
def test_money_in_words(amount, complete, words):
    assert money_words({"amount": amount, "currency": "USD", "complete": complete}) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0"),
        (840, "840"),
        (1_240, "1.2 k"),
        (44_399, "44 k"),
        (999_999, "1.0 M"),
        (1_240_000_000, "1.2 G"),
    ],
)
def test_large_counts_in_few_digits(number, words):
    assert few_digits(number) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0"), (0.0123, "0.012"), (0.4, "0.4"), (3.46, "3.5"), (61.4, "61"), (614.2, "614")],
)
def test_quantities_in_two_digits(number, words):
    assert amount_of(number) == words
