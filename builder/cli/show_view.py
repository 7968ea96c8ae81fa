"""How rows look when a person reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group
from rich.panel import Panel
from rich.rule import Rule
from rich.text import Text


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
    return Panel(
        Group(
            Text(instruction, style="bold"),
            Rule(style="bright_black"),
            Text(response, style="" if row["response"] else "bright_black"),
        ),
        title=f"row {row['row']} · {state}",
        title_align="left",
        subtitle=f"temperature {row['temperature']} · top_p {row['top_p']} · {row['uuid']}",
        subtitle_align="left",
        box=box.ROUNDED,
        border_style="green" if reason is None else "yellow",
    )
