import asyncio

import polars as pl
import pytest

from builder.errors import RecipeError
from builder.generate.judge import Judge

COLUMNS = {"row": pl.Int64(), "text": pl.String()}


class Rule:
    """Drops rows without text, and keeps the row numbers that it was asked about."""

    def __init__(self, fails=False):
        self.asked = []
        self._fails = fails

    def __call__(self, frame):
        self.asked.append(frame["row"].to_list())
        if self._fails:
            raise RecipeError("cannot be computed")
        return pl.select(pl.when(frame["text"].is_null()).then(pl.lit("empty"))).to_series()


def test_rows_of_one_turn_share_a_query_and_each_gets_its_own_answer():
    async def work():
        rule = Rule()
        judge = Judge(rule, COLUMNS)
        records = [{"row": 0, "text": "a"}, {"row": 1}, {"row": 2, "text": "c"}]
        first = await asyncio.gather(*(judge.drop_reason(record) for record in records))
        return first, await judge.drop_reason({"row": 3}), rule.asked

    assert asyncio.run(work()) == ([None, "empty", None], "empty", [[0, 1, 2], [3]])


def test_a_row_that_is_cancelled_takes_nobody_with_it():
    async def work():
        judge = Judge(Rule(), COLUMNS)
        tasks = [asyncio.create_task(judge.drop_reason({"row": row})) for row in range(3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, *others = asyncio.run(work())
    assert isinstance(first, asyncio.CancelledError)
    assert others == ["empty", "empty"]


def test_a_rule_that_cannot_be_computed_is_told_to_all_who_asked():
    async def work():
        judge = Judge(Rule(fails=True), COLUMNS)
        asked = (judge.drop_reason({"row": row}) for row in range(3))
        return await asyncio.gather(*asked, return_exceptions=True)

    assert [type(error) for error in asyncio.run(work())] == [RecipeError] * 3


def test_an_error_that_nobody_expects_is_not_swallowed():
    async def work():
        await Judge(lambda frame: frame["none"], COLUMNS).drop_reason({"row": 1})

    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        asyncio.run(work())
