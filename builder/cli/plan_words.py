"""The plan of a run, as people read it: a block once the pilot is over, then a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from builder.cli.amounts import amount_of, few_digits
from builder.cli.tables import count, duration, plain_table

PlanJson = Mapping[str, Any]
"""What `Plan.to_json` gives, and what the event `plan` says."""


def plan_line(plan: PlanJson) -> str:
    """The plan in a line: `plan: 3,120 rows to sample · 1.2 M tokens · 0.4 GPU-hours`."""
    return f"plan: {' · '.join(_pieces(plan))}"


def plan_block(plan: PlanJson) -> Table:
    """The plan with all that is known of it, a line each."""
    table = plain_table("plan", f"from the first {count(plan['yield']['rows'])} rows")
    for name, words in plan_rows(plan):
        table.add_row(name, Text(words))
    return table


def plan_rows(plan: PlanJson) -> Iterator[tuple[str, str]]:
    """Name and words of what is known."""
    share = plan["yield"]
    low, high = share["between"]
    if plan["goal"] is not None:
        yield "goal", f"{count(plan['goal'])} rows that pass the rules"
    yield "yield", f"{share['share']:.1%} of the rows kept ({low:.1%} to {high:.1%})"
    yield "rows", _rows(plan)
    if plan["tokens"] is not None:
        yield "tokens", f"{few_digits(plan['tokens'])} to generate in all"
    if plan["seconds_left"] is not None:
        yield "time", f"{duration(plan['seconds_left'])} left"
    if plan["gpu_hours"]:
        yield "GPU-hours", f"{amount_of(plan['gpu_hours'])} in all"
    if plan["money"] is not None:
        yield "cost", f"{money_words(plan['money'])} in all"
    if plan["scarcest"] is not None:
        scarce = plan["scarcest"]
        so_far = f"{count(scarce['kept'])} of {count(scarce['wanted'])} kept so far"
        yield "scarcest", f"{scarce['label']}: {so_far}"
    if plan["budget"] is not None:
        yield "budget", _budget(plan["budget"])


def money_words(money: Mapping[str, Any]) -> str:
    """An amount of money: `2.10 USD`; with `at least` where not all tokens could be counted."""
    amount = money["amount"]
    digits = f"{amount:,.2f}" if amount >= 1 or not amount else f"{amount:.2g}"
    words = f"{digits} {money['currency']}"
    return words if money["complete"] else f"at least {words}"


def _pieces(plan: PlanJson) -> Iterator[str]:
    rows, budget = plan["rows"], plan["budget"]
    yield f"{count(rows)} rows to sample" if rows is not None else _rows(plan)
    if plan["tokens"] is not None:
        yield f"{few_digits(plan['tokens'])} tokens"
    if plan["gpu_hours"]:
        yield f"{amount_of(plan['gpu_hours'])} GPU-hours"
    if plan["money"] is not None:
        yield money_words(plan["money"])
    if budget is not None:
        hours = f"budget {amount_of(budget['gpu_hours'])} GPU-hours"
        yield hours if budget["enough"] is not False else f"{hours} brings {_brings(budget)}"


def _rows(plan: PlanJson) -> str:
    low, high = plan["between"]
    if plan["rows"] is None:
        return f"more than {count(low)} to sample: too few are kept so far to say"
    words = f"{count(plan['rows'])} to sample in all"
    return words if low == high else f"{words} ({count(low)} to {count(high)})"


def _budget(budget: Mapping[str, Any]) -> str:
    hours = f"{amount_of(budget['gpu_hours'])} GPU-hours"
    if budget["enough"]:
        return f"{hours}: enough"
    word = "not enough" if budget["enough"] is False else "perhaps not enough"
    return f"{hours}: {word}; it brings {_brings(budget)}"


def _brings(budget: Mapping[str, Any]) -> str:
    if budget["kept"] is None:
        return f"about {count(budget['rows'])} rows sampled"
    return f"about {count(budget['kept'])} kept"
