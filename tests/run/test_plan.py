import dataclasses

import pytest

from builder.recipe.goal import Goal
from builder.recipe.schema import PriceSpec
from builder.run.course import Course
from builder.run.pace import Each
from builder.run.plan import Plan, Terms, pilot_rows, plan_of
from builder.run.spent import Spent
from builder.run.yields import Share

EACH = Each(seconds=0.5, tokens_in=20.0, tokens_out=100.0)
SPENT = Spent(60.0, 120.0, 120.0, 2_400, 12_000)


def course(goal, kept, dropped, labels=(None,)):
    """A course after so many kept and dropped rows, labels by turns."""
    counted = Course(goal)
    for row in range(kept):
        counted.take(kept=True, label=labels[row % len(labels)])
    for _ in range(dropped):
        counted.take(kept=False)
    return counted


def test_a_plan_reckons_with_the_yield_and_the_pace():
    plan = plan_of(course(Goal(kept=300), 50, 50), 120, EACH, SPENT, Terms(gpus=2))
    assert plan == Plan(
        measured=Share(50, 100),
        goal=300,
        rows=600,
        between=(504, 743),
        kept=300,
        tokens=12_000 + 480 * 100,
        seconds=60.0 + 240.0,
        seconds_left=240.0,
        gpu_hours=round((120 + 480) / 3600, 4),
    )


def test_what_it_costs_is_told_where_the_recipe_has_prices():
    price = PriceSpec(gpu_hour=3.6, million_tokens_in=10.0, million_tokens_out=100.0)
    plan = plan_of(course(Goal(kept=300), 50, 50), 120, EACH, SPENT, Terms(2, price))
    hours, prompts, generated = 600 / 3600, 2_400 + 480 * 20, 12_000 + 480 * 100
    amount = 3.6 * hours + 10 * prompts / 1e6 + 100 * generated / 1e6
    assert plan.money == {"amount": round(amount, 4), "currency": "USD", "complete": True}


def test_rows_that_are_sampled_are_known_and_what_they_bring_is_not():
    plan = plan_of(course(Goal(sampled=1000), 20, 80), 200, EACH, SPENT, Terms())
    assert (plan.rows, plan.between, plan.kept) == (1000, (1000, 1000), 200)
    assert (plan.seconds_left, plan.seconds) == (400.0, 460.0)


def test_an_engine_without_a_known_gpu_takes_no_gpu_hours_but_a_budget_counts_it_as_one():
    spent, terms = Spent(60.0, 0.0, 60.0), Terms(budget=360.0)
    plan = plan_of(course(Goal(sampled=1000), 20, 80), 200, EACH, spent, terms)
    assert plan.gpu_hours == 0.0
    assert plan.budget == {"gpu_hours": 0.1, "enough": False, "rows": 800, "kept": 160}


def test_a_data_set_that_is_too_small_bounds_the_plan():
    plan = plan_of(course(Goal(kept=300, available=400), 50, 50), 120, EACH, SPENT, Terms())
    assert (plan.rows, plan.between, plan.kept) == (400, (400, 400), 200)


def test_without_a_kept_row_the_plan_says_only_what_is_the_least():
    plan = plan_of(course(Goal(kept=30), 0, 100), 100, EACH, SPENT, Terms(budget=600.0))
    assert (plan.rows, plan.between, plan.tokens, plan.seconds_left) == (
        None,
        (811, None),
        None,
        None,
    )
    assert plan.budget == {"gpu_hours": 0.1667, "enough": None, "rows": 1060, "kept": 0}


def test_a_run_that_is_past_its_plan_has_nothing_left():
    plan = plan_of(course(Goal(kept=50), 50, 50), 120, EACH, SPENT, Terms())
    assert (plan.rows, plan.seconds_left) == (120, 0.0)


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        (120.0 + 480.0, {"gpu_hours": 0.1667, "enough": True}),
        (120.0 + 200.0, {"gpu_hours": 0.0889, "enough": False, "rows": 320, "kept": 160}),
        (100.0, {"gpu_hours": 0.0278, "enough": False, "rows": 120, "kept": 60}),
    ],
)
def test_a_budget_is_enough_or_brings_so_many_rows(budget, told):
    terms = Terms(gpus=2, budget=budget)
    assert plan_of(course(Goal(kept=300), 50, 50), 120, EACH, SPENT, terms).budget == told


def test_the_label_that_takes_longest_decides_how_many_rows_a_quota_run_takes():
    goal = Goal(kept=60, quotas={"Math": 20, "Editing": 20, "Planning": 20})
    counted = course(goal, 30, 70, ("Math", "Math", "Math", "Math", "Planning", "Editing"))
    plan = plan_of(counted, 100, EACH, SPENT, Terms())
    assert plan.scarcest == {"label": "Editing", "wanted": 20, "kept": 5}
    assert plan.rows == 400
    assert plan.kept is None


def test_a_label_that_never_came_is_the_scarcest():
    goal = Goal(kept=40, quotas={"Math": 20, "Editing": 20})
    plan = plan_of(course(goal, 10, 90, ("Math",)), 100, EACH, SPENT, Terms(budget=300.0))
    assert plan.scarcest == {"label": "Editing", "wanted": 20, "kept": 0}
    assert (plan.rows, plan.between[1]) == (None, None)
    assert plan.budget == {"gpu_hours": 0.0833, "enough": None, "rows": 460, "kept": None}


def test_quotas_that_are_met_leave_nothing_to_plan():
    goal = Goal(kept=10, quotas={"Math": 10})
    plan = plan_of(course(goal, 10, 10, ("Math",)), 20, EACH, SPENT, Terms())
    assert (plan.rows, plan.scarcest) == (20, None)


def test_a_plan_differs_once_a_figure_has_changed_by_a_fifth():
    plan = plan_of(course(Goal(kept=300), 50, 50), 120, EACH, SPENT, Terms(budget=900.0))
    change = dataclasses.replace
    assert not change(plan, rows=719, tokens=71_000, seconds=359.0).differs(plan)
    assert change(plan, rows=721).differs(plan)
    assert change(plan, tokens=40_000).differs(plan)
    assert change(plan, seconds=500.0).differs(plan)
    assert change(plan, rows=None).differs(plan)
    assert change(plan, budget={"enough": False}).differs(plan)


def test_a_plan_is_plain_values():
    plan = plan_of(course(Goal(kept=300), 50, 50), 120, EACH, SPENT, Terms(gpus=2))
    assert plan.to_json() == {
        "yield": {"rows": 100, "kept": 50, "share": 0.5, "between": [0.4038, 0.5962]},
        "goal": 300,
        "rows": 600,
        "between": [504, 743],
        "kept": 300,
        "tokens": 60_000,
        "seconds": 300.0,
        "seconds_left": 240.0,
        "gpu_hours": 0.1667,
        "money": None,
        "scarcest": None,
        "budget": None,
    }


@pytest.mark.parametrize(
    ("goal", "rows"),
    [
        (Goal(kept=60), 20),
        (Goal(kept=500), 50),
        (Goal(sampled=1_000_000), 100),
        (Goal(available=300), 30),
    ],
)
def test_a_pilot_is_a_tenth_of_what_is_wanted_within_bounds(goal, rows):
    assert pilot_rows(goal) == rows
