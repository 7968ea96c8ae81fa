import pytest

from builder.recipe.goal import Goal
from builder.run import course as course_module
from builder.run.course import NEWEST, Course


def taken(goal, rows):
    """A course that has taken (kept, label) rows, or new ones, until it ended."""
    course = Course(goal)
    for kept, label in rows:
        if course.end is not None:
            break
        course.take(kept=kept and not course.full(label), label=label)
    return course


def test_a_target_of_kept_rows_ends_with_the_row_that_meets_it():
    course = taken(Goal(kept=2), [(True, None), (False, None), (True, None), (True, None)])
    assert (course.end, course.rows, course.kept) == ("target", 3, 2)


def test_a_target_of_sampled_rows_counts_all():
    assert taken(Goal(sampled=2), [(False, None)] * 9).rows == 2


def test_quotas_end_once_each_is_met():
    rows = [(True, "a"), (True, "a"), (True, "x"), (True, None), (True, "b"), (True, "a")]
    course = taken(Goal(kept=2, quotas={"a": 1, "b": 1}), rows)
    assert (course.end, course.rows, course.kept) == ("target", 5, 2)


@pytest.mark.parametrize(("label", "full"), [("a", True), ("b", False), ("x", True), (None, True)])
def test_labels_that_nobody_asked_for_are_full_from_the_start(label, full):
    assert taken(Goal(kept=3, quotas={"a": 1, "b": 1}), [(True, "a")]).full(label) == full


def test_without_quotas_no_label_is_full():
    assert not Course(Goal(kept=1)).full("a")


def test_quotas_that_nothing_comes_near_are_unmet(monkeypatch):
    monkeypatch.setattr(course_module, "PATIENCE", 3)
    rows = [(True, "a"), (True, "a"), (False, "b"), (True, "x"), (True, "b")]
    course = taken(Goal(kept=3, quotas={"a": 1, "b": 2}), rows)
    assert (course.end, course.rows, course.kept, course.barren) == ("unmet", 4, 1, 3)
    assert taken(Goal(kept=3), rows).end == "target"


def test_rows_that_run_out_end_a_run():
    assert taken(Goal(kept=5, available=2), [(True, None)] * 9).end == "exhausted"
    assert taken(Goal(kept=2, available=2), [(True, None)] * 9).end == "target"


@pytest.mark.parametrize(("repeats", "end"), [(50, None), (51, "saturated")])
def test_a_model_that_repeats_itself_has_said_all(repeats, end):
    course = Course(Goal(kept=10**6, novelty=0.95))
    for row in range(NEWEST):
        course.take(kept=True, new=row >= repeats)
        course.take(kept=False)  # a row that a rule drops is neither new nor old
    assert course.end == end
    assert course.novelty == 1 - repeats / NEWEST


def test_novelty_is_unknown_until_there_are_enough_rows_and_forgets_old_ones():
    course = Course(Goal(sampled=10**6))
    for _ in range(NEWEST - 1):
        course.take(kept=False, new=False)
    assert course.novelty is None
    for _ in range(NEWEST):
        course.take(kept=True, new=True)
    assert course.novelty == 1.0
