"""How a status looks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from builder.cli.amounts import amount_of
from builder.cli.engine_words import away_words, idle_words, retry_words
from builder.cli.plan_words import money_words, plan_rows
from builder.cli.tables import count, duration, plain_table
from builder.run.status import Status


def overview(states: Sequence[Status]) -> Table:
    """All runs, a line each."""
    table = plain_table("run", "state", "target", "#sampled", "#kept", "#tokens")
    for state in states:
        table.add_row(
            state.path,
            _state(state),
            _target(state),
            count(state.instructed),
            count(_kept(state)),
            count(state.tokens),
        )
    return table


def one_run(state: Status) -> Group:
    """One run, with the funnel of its last selection."""
    table = plain_table("run", state.path)
    table.add_row("recipe", state.recipe)
    table.add_row("state", _state(state))
    table.add_row("target", _target(state))
    table.add_row("instructions", count(state.instructed))
    table.add_row("responses", count(state.answered))
    table.add_row("tokens", count(state.tokens))
    table.add_row("engine time", duration(state.seconds))
    table.add_row("speed", f"{state.rows_a_second:.1f} rows/s, {state.tokens_a_second:,.0f} tok/s")
    for name, words in _engine(state):
        table.add_row(name, words)
    for reason, rows in (state.dropped or {}).items():
        table.add_row(f"dropped: {reason}", count(rows))
    table.add_row("kept", count(_kept(state)))
    if state.plan is not None and not state.released:
        for name, words in plan_rows(state.plan):
            table.add_row(f"plan: {name}", Text(words))
    return Group(table, *_cost(state.cost))


def _cost(cost: Mapping[str, Any]) -> Iterator[RenderableType]:
    """What each stage used, and what that is in all."""
    if not cost["stages"]:
        return
    table = plain_table("stage", "#rows", "#tokens in", "#tokens out", "#seconds", "#GPU-seconds")
    for use in cost["stages"]:
        prompts = "?" if use["tokens_in"] is None else count(use["tokens_in"])
        times = (f"{use[name]:,.1f}" for name in ("seconds", "gpu_seconds"))
        counts = (count(use["rows"]), prompts, count(use["tokens_out"]))
        table.add_row(use["stage"], *counts, *times)
    yield from ("", table, "")
    yield Text(" · ".join(_in_all(cost)))


def _in_all(cost: Mapping[str, Any]) -> Iterator[str]:
    if cost["tokens_per_kept_row"] is not None:
        yield f"{count(cost['tokens_per_kept_row'])} tokens a kept row"
    if cost["gpu_hours"]:
        gpus = f"{cost['gpus']} GPU{'s' if cost['gpus'] > 1 else ''}"
        yield f"{amount_of(cost['gpu_hours'])} GPU-hours on {gpus}"
    if cost["kept_per_gpu_hour"] is not None:
        yield f"{count(cost['kept_per_gpu_hour'])} kept a GPU-hour"
    if cost["money"] is not None:
        yield money_words(cost["money"])


def _engine(state: Status) -> Iterator[tuple[str, str]]:
    """What the engine does, or did when it was last looked at."""
    if state.idle_share is None:
        return
    if state.pid is not None:
        yield "in flight", count(state.in_flight)
        if state.away:
            yield "away", away_words(state.away, state.servers)
    yield "idle", idle_words(state.idle_share, state.servers)
    if state.retries:
        yield "asked again", retry_words(state.retries)


def _kept(state: Status) -> int:
    return state.kept if state.pid is None and state.kept is not None else state.kept_so_far


def _state(state: Status) -> str:
    if state.pid is not None:
        return f"running, process {state.pid}"
    return "released" if state.released else "stopped: `magpie build` goes on"


def _target(state: Status) -> str:
    if state.target_kept is not None:
        return f"{count(state.target_kept)} kept"
    return f"{count(state.target_sampled or 0)} sampled"
