"""How busy the engine is, in words: for the live line and for `magpie status`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from builder.cli.tables import count
from builder.run.progress import Progress


def live_words(progress: Progress) -> Iterator[str]:
    """What the engine does now, a piece each; nothing while no rows are sampled."""
    if progress.phase != "sampling":
        return
    yield f"{count(progress.in_flight)} in flight"
    yield idle_words(progress.idle_share, progress.servers)
    if progress.away:
        yield away_words(progress.away, progress.servers)
    if progress.retries:
        yield f"asked again: {retry_words(progress.retries)}"


def idle_words(share: float, servers: int) -> str:
    """The share of time in which nothing was to do: `server idle 1.2 %`."""
    who = {0: "engine", 1: "server"}.get(servers, "servers")
    return f"{who} idle {100 * share:.1f} %"


def away_words(away: int, servers: int) -> str:
    """Who does not answer now; empty where all do."""
    if not away:
        return ""
    if servers > 1:
        return f"{away} of {servers} servers away"
    return "server away" if servers else "engine starts anew"


def retry_words(retries: Mapping[str, int]) -> str:
    """How often requests were asked again, the most frequent reason first; empty where none was."""
    most_first = sorted(retries.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{reason} {count(times)}" for reason, times in most_first)
