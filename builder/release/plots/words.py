"""What a plot says, in words: the alternative text of its picture."""

from __future__ import annotations

from builder.release.plots.scale import number, per_cent
from builder.release.plots.series import KEPT, SAMPLED, Bars, Bins, Layer, Series

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
    """Return `1,234 rows kept`, `1,234 rows sampled`, or `1,234 rows of pro` for a split's."""
    what = layer.name if layer.name in (KEPT, SAMPLED) else f"of {layer.name}"
    return f"{layer.rows:,} row{'' if layer.rows == 1 else 's'} {what}"


def _spread(one: Bins, layer: Layer) -> str:
    half = ""
    if layer.median is not None:
        half = f", half of them at most {number(layer.median)} {one.unit}"
    outside = ""
    if layer.above:
        share = per_cent(layer.above / (layer.rows or 1))
        outside = f", {share} beyond {number(one.edges[-1])}"
    return f"{_capital(rows_of(layer))}{half}{outside}."


def _parts(one: Bars, layer: Layer) -> str:
    ranked = list(zip(one.labels, layer.counts, layer.shares, strict=True))
    there = [f"{label} {per_cent(share)}" for label, count, share in ranked if count]
    return f"Of {rows_of(layer)}: {', '.join(there[:_SPOKEN])}."


def _steps(one: Bars) -> str:
    counts = one.layers[0].counts
    share = per_cent(counts[-1] / (counts[0] or 1))
    start = f"{counts[0]:,} rows sampled, {counts[-1]:,} kept ({share})."
    lost = zip(one.labels[1:], counts, counts[1:], strict=False)
    dropped = sorted(((before - after, label) for label, before, after in lost), reverse=True)
    most = ", ".join(f"{label} {rows:,}" for rows, label in dropped[:3])
    return f"{start} Most were dropped by: {most}." if most else start


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
