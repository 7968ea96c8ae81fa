"""What a plot says, in words: the alternative text of its picture."""

from __future__ import annotations

from collections.abc import Callable

from builder.release.plots.scale import number, per_cent
from builder.release.plots.series import COUNTED, KEPT, SAMPLED, Bars, Bins, Layer, Series

_SPOKEN = 12  # labels of bars that are spelled out; more nobody listens to


def alt(one: Series) -> str:
    """Return the main figures of a plot in a sentence for each layer, the kept rows first."""
    told = [layer for layer in one.layers if layer.name != SAMPLED]
    if isinstance(one, Bins):
        said = " ".join(_spread(one, layer) for layer in told)
    elif one.steps:
        said = _steps(one)
    else:
        said = " ".join(_parts(one, layer) for layer in told)
    return f"{one.title}. {said}"


def rows_of(layer: Layer) -> str:
    """Return `1,234 rows kept`, `all 1,234 rows measured`, or `1,234 rows of pro` for a split's."""
    rows = f"{layer.rows:,} row{'' if layer.rows == 1 else 's'}"
    if layer.name == SAMPLED:
        return f"all {rows} measured"
    return f"{rows} kept" if layer.name == KEPT else f"{rows} of {layer.name}"


def from_to(one: Bars) -> str:
    """Return how a funnel begins and ends: `353 rows sampled, 300 kept`."""
    counts = one.layers[0].counts
    return f"{counts[0]:,} rows {one.labels[0]}, {counts[-1]:,} kept"


def _spread(one: Bins, layer: Layer) -> str:
    half = ""
    if layer.median is not None:
        unit = one.unit if one.unit in COUNTED else f"({one.unit})"
        half = f", half of them at most {number(layer.median)} {unit}"
    outside = "".join(f", {told}" for told in beyond(one, layer, number))
    return f"{_capital(rows_of(layer))}{half}{outside}."


def beyond(one: Bins, layer: Layer, write: Callable[[float], str]) -> list[str]:
    """Return which share of a layer lies outside all bins: `["0.7 % above 68"]`, or nothing."""
    ends = [(layer.below, "below", one.edges[0]), (layer.above, "above", one.edges[-1])]
    if one.together:
        rows = layer.below + layer.above
        return [f"{per_cent(rows / layer.rows)} not shown"] if rows else []
    return [
        f"{per_cent(rows / layer.rows)} {end} {write(edge)}" for rows, end, edge in ends if rows
    ]


def _parts(one: Bars, layer: Layer) -> str:
    ranked = list(zip(one.labels, layer.counts, layer.shares, strict=True))
    there = [f"{label} {per_cent(share)}" for label, count, share in ranked if count]
    return f"Of {rows_of(layer)}: {', '.join(there[:_SPOKEN])}."


def _steps(one: Bars) -> str:
    counts = one.layers[0].counts
    share = per_cent(counts[-1] / (counts[0] or 1))
    start = f"{from_to(one)} ({share})."
    lost = zip(one.labels[1:], counts, counts[1:], strict=False)
    dropped = sorted(((before - after, label) for label, before, after in lost), reverse=True)
    most = ", ".join(f"{label} {rows:,}" for rows, label in dropped[:3])
    return f"{start} Most were dropped by: {most}." if most else start


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
