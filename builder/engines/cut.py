"""Where a completion ends: at the first stop string, even one that lies inside a token."""

from __future__ import annotations


def cut_position(text: str, stops: tuple[str, ...], start: int = 0) -> int | None:
    """Return where the first stop string begins in `text`, or None.

    `start` says how much of the text was searched before: only what can be new is searched.

    >>> cut_position("Why is the sky blue?<|eot_id|>And", ("<|eot_id|>", "\\n"))
    20
    """
    first: int | None = None
    for stop in stops:
        found = text.find(stop, max(0, start - len(stop) + 1))
        if found >= 0 and (first is None or found < first):
            first = found
    return first
