import pytest

from builder.recipe.schema import PriceSpec
from builder.run.spent import Spent, money, spent, spent_by
from tests.run.runs import begun

STAGES = {
    "instruct": {"rows": 9, "tokens_in": 54, "tokens_out": 300, "seconds": 4.0, "gpu_seconds": 8.0},
    "reward-0": {"rows": 5, "tokens_in": None, "tokens_out": 0, "seconds": 1.0, "gpu_seconds": 0.0},
}


def test_two_amounts_add_up():
    first = Spent(10.0, 20.0, 20.0, 5, 50)
    assert first + Spent(1.0, 0.0, 1.0, 2, 3, uncounted=True) == Spent(
        11.0, 20.0, 21.0, 7, 53, uncounted=True
    )


def test_a_start_is_charged_for_its_gpus_and_for_one_where_none_is_known():
    assert spent_by(STAGES, 10.0, 2) == Spent(10.0, 20.0, 20.0, 54, 300, uncounted=True)
    assert spent_by({}, 10.0, 0) == Spent(10.0, 0.0, 10.0)


def test_a_run_has_spent_what_its_starts_did(tmp_path):
    run, _ = begun(tmp_path)
    assert spent(run) == Spent()
    with run.lock():
        for gpus, seconds in ((4, 10.0), (0, 5.0)):
            run.note("sampling", gpus=gpus)
            run.note("progress", seconds=1.0, stages={})
            run.note("sampling-ended", seconds=seconds, stages=STAGES)
        run.note("sampling", gpus=4)
    assert spent(run) == Spent(15.0, 40.0, 45.0, 108, 600, uncounted=True)


@pytest.mark.parametrize(
    ("price", "amount", "complete"),
    [
        ({"gpu_hour": 2.5}, 1.25, True),
        ({"million_tokens_out": 0.6}, 1.2, True),
        ({"million_tokens_in": 0.2, "million_tokens_out": 0.6}, 1.4, False),
        ({"gpu_hour": 2.0, "million_tokens_in": 1.0}, 2.0, False),
    ],
)
def test_money_is_hours_and_tokens_times_their_prices(price, amount, complete):
    told = money(PriceSpec(**price), Spent(9.0, 0.0, 1800.0, 1_000_000, 2_000_000, uncounted=True))
    assert told == {"amount": amount, "currency": "USD", "complete": complete}


def test_without_a_price_nobody_can_tell():
    assert money(None, Spent(charged=3600.0)) is None
    assert money(PriceSpec(currency="EUR"), Spent(charged=3600.0)) is None
