from itertools import permutations

import pytest

from builder.errors import RunError
from builder.generate import ledger as ledger_module
from builder.generate.ledger import Ledger
from builder.recipe.goal import Goal

# row: (key of the instruction, or None where a rule dropped it; whether the response passes)
ROWS = [(b"a", True), (b"b", False), (b"a", True), (None, False), (b"c", True), (b"b", True)]
FIRST = {0: b"a", 1: b"b", 4: b"c"}
KEPT = {0, 4}


def kept_rows(ledger):
    return {row for row, state in enumerate(ledger._states) if state & 3 == ledger_module.KEPT}


@pytest.mark.parametrize("settled", [range(6), (5, 4, 3, 2, 1, 0), (2, 0, 5, 1, 4, 3)])
def test_twins_give_the_same_kept_rows_in_any_order_of_arrival(settled):
    for arrived in permutations(range(6)):
        ledger = Ledger(Goal(kept=2))
        for row in arrived:
            if ROWS[row][0] is not None:
                ledger.claim(row, ROWS[row][0])
        for row in settled:
            ledger.settle(row, ROWS[row][0], kept=ROWS[row][1])
        assert kept_rows(ledger) == KEPT
        assert (ledger.kept, ledger.settled, ledger.frontier) == (2, 6, 5)  # the end is at row 4
        assert ledger.reached


def test_a_row_that_is_carried_through_before_the_next_arrives_changes_nothing():
    for arrived in permutations(range(6)):
        ledger = Ledger(Goal(sampled=6))
        for row in arrived:
            key, passes = ROWS[row]
            first = key is not None and ledger.claim(row, key)
            ledger.settle(row, key, kept=first and passes)
        assert kept_rows(ledger) == KEPT
        assert ledger.kept == 2


def test_the_first_to_come_goes_on_until_an_earlier_twin_shows_itself():
    ledger = Ledger(Goal(sampled=9))
    assert ledger.claim(5, b"a")
    assert ledger.claim(5, b"a")  # again, after its response
    assert ledger.claim(3, b"a")
    assert not ledger.claim(4, b"a")
    assert not ledger.claim(5, b"a")


@pytest.mark.parametrize(("kept", "last"), [(1, 0), (2, 4)])
def test_a_target_is_reached_once_all_rows_up_to_the_same_one_are_settled(kept, last):
    for order in permutations(range(6)):
        ledger = Ledger(Goal(kept=kept))
        done = set()
        for row in order:
            key, passes = ROWS[row]
            if key is not None:
                ledger.claim(row, key)
            ledger.settle(row, key, kept=passes)
            done.add(row)
            assert ledger.reached == done.issuperset(range(last + 1)), (order, row)


def test_a_target_of_sampled_rows_is_reached_without_a_hole():
    ledger = Ledger(Goal(sampled=3))
    for row, reached in ((0, False), (2, False), (5, False), (1, True)):
        ledger.settle(row, None, kept=False)
        assert ledger.reached == reached


def test_a_target_of_sampled_rows_wants_just_those():
    ledger = Ledger(Goal(sampled=3))
    assert [ledger.wants(row, in_flight=0) for row in range(5)] == [True] * 3 + [False] * 2


def test_a_target_of_kept_rows_counts_those_in_flight_as_kept_until_a_yield_is_known():
    ledger = Ledger(Goal(kept=10))
    assert [ledger.wants(9, in_flight) for in_flight in (0, 9, 10, 11)] == [
        True,
        True,
        False,
        False,
    ]


def test_a_known_yield_decides_how_many_rows_are_started_for_the_last_ones():
    ledger = Ledger(Goal(kept=30))
    for row in range(100):  # a quarter is kept
        key = b"%d" % row
        ledger.claim(row, key)
        ledger.settle(row, key, kept=row % 4 == 0)
    assert ledger.kept == 25
    wanted = [ledger.wants(100, in_flight) for in_flight in (0, 19, 20, 21)]
    assert wanted == [True, True, False, False]  # 20 in flight are 5 more, and 30 are wanted


def test_a_run_never_stands_still_before_its_target():
    ledger = Ledger(Goal(kept=1))
    ledger.claim(1, b"a")
    ledger.settle(1, b"a", kept=True)  # row 0 is open, and may be its twin
    assert not ledger.reached
    assert ledger.wants(2, in_flight=0)


def test_a_target_that_no_row_comes_near_is_called_hopeless(monkeypatch):
    monkeypatch.setattr(ledger_module, "PATIENCE", 20)
    ledger = Ledger(Goal(kept=5))
    ledger.claim(0, b"a")
    ledger.settle(0, b"a", kept=True)
    for row in range(1, 20):
        ledger.settle(row, None, kept=False)
        ledger.check_hope()
    ledger.settle(20, None, kept=False)
    with pytest.raises(RunError) as caught:
        ledger.check_hope()
    assert caught.value.message == (
        "none of the last 20 rows was kept: 1 of 5 rows so far, 21 sampled"
    )


def test_a_target_that_is_reached_is_not_hopeless(monkeypatch):
    monkeypatch.setattr(ledger_module, "PATIENCE", 2)
    ledger = Ledger(Goal(kept=1))
    ledger.claim(0, b"a")
    ledger.settle(0, b"a", kept=True)
    for row in range(1, 5):
        ledger.settle(row, None, kept=False)
    ledger.check_hope()
