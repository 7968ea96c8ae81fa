"""How rows look when a person reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from builder.rows import INSTRUCT, RESPOND, SELECTION

_SHOWN: Final = frozenset({*INSTRUCT, *RESPOND, *SELECTION, "selected"})
"""Columns that are no annotations."""


def panels(rows: Sequence[Mapping[str, Any]]) -> list[Panel]:
    """A panel for each row: its instruction, its response, and where it came from."""
    return [_panel(row) for row in rows]


def _panel(row: Mapping[str, Any]) -> Panel:
    reason = row["drop_reason"]
    state = "kept" if reason is None else f"dropped: {reason}"
    if not row["selected"]:
        state = "not selected yet"
    if row["duplicate_of"]:
        state += f" of {row['duplicate_of']}"
    instruction = row["instruction"] or f"({row['instruction_error']})"
    response = row["response"] or f"({row['response_error'] or 'not answered'})"
    judged = _judged(row)
    parts: list[RenderableType] = [
        Text(instruction, style="bold"),
        Rule(style="bright_black"),
        Text(response, style="" if row["response"] else "bright_black"),
    ]
    if judged.row_count:
        parts += [Rule(style="bright_black"), judged]
    return Panel(
        Group(*parts),
        title=f"row {row['row']} · {state}",
        title_align="left",
        subtitle=f"temperature {row['temperature']} · top_p {row['top_p']} · {row['uuid']}",
        subtitle_align="left",
        box=box.ROUNDED,
        border_style="green" if reason is None else "yellow",
    )


def _judged(row: Mapping[str, Any]) -> Table:
    """What annotators said of a row: a line a column that has a value."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bright_black", no_wrap=True)
    table.add_column()
    for name, value in row.items():
        if name not in _SHOWN and value not in (None, []):
            table.add_row(name, Text(_words(value)))
    return table


def _words(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
