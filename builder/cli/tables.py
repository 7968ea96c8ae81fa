"""Numbers and tables as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import JustifyMethod
from rich.table import Table

from builder.rows import RESERVED_DROP_REASONS


def count(number: float) -> str:
    """A count with its thousands apart: 1,234,567."""
    return f"{number:,.0f}"


def duration(seconds: float) -> str:
    """A time in its two largest units: 2 h 05 min, 3 min 20 s, 12 s."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole % 3600 // 60
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {whole % 60:02} s" if minutes else f"{whole} s"


def plain_table(*columns: str) -> Table:
    """A table without a frame; columns whose name begins with `#` hold numbers."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        side: JustifyMethod = "right" if column.startswith("#") else "left"
        table.add_column(column.removeprefix("#"), justify=side, overflow="fold")
    return table


def funnel_table(funnel: Mapping[str, Any]) -> Table:
    """The funnel of a run: rows in, dropped by each reason, kept.

    Rules are listed also where they dropped nothing; what is no rule only where it did.
    """
    table = plain_table("funnel", "#rows", "#share")
    rows = funnel["rows"]
    table.add_row("sampled", count(rows), "")
    for step in funnel["dropped"]:
        if step["rows"] or step["reason"] not in RESERVED_DROP_REASONS:
            table.add_row(f"  dropped: {step['reason']}", count(step["rows"]), _share(step, rows))
    table.add_row("kept", count(funnel["kept"]), f"{funnel['kept'] / max(rows, 1):.1%}")
    return table


def _share(step: Mapping[str, Any], rows: int) -> str:
    return f"{step['rows'] / max(rows, 1):.1%}"
