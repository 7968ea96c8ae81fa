"""From the facts of splits to the series of numbers that plots show.

    series(facts)      what is plotted of one split, in the order of its card
    compared(splits)   what is plotted of all splits together, where that makes sense

Both read facts alone, and give only what was measured. A `Series` is either `Bars`, rows by label,
or `Bins`, rows by a number; each has one `Layer` a population: the kept rows, then, where they
differ, all sampled ones; or the kept rows of one split after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from builder.release.layout import RAW

Facts = dict[str, Any]

KEPT: Final = "kept"
SAMPLED: Final = "sampled"
"""Names of the layers of one split: rows of its default configuration, and of `raw`."""

LANGUAGES: Final = 8
"""Languages that have a bar of their own; rows in others share the last one."""

MOST_BINS: Final = 48
"""Bins of a comparison at most; a pair of neighbours becomes one until they are so few."""


@dataclass(frozen=True)
class Layer:
    """Rows of one population. `counts` are by label or by bin, in the order of the series.

    `below` and `above` are rows whose number lies outside all bins, `none` rows without a label or
    number. `median` is a value that occurs (the lower of two), None where nobody measured it.
    """

    name: str
    counts: tuple[int, ...]
    none: int = 0
    below: int = 0
    above: int = 0
    median: float | None = None

    @property
    def rows(self) -> int:
        """Rows with a label or number: what shares are shares of."""
        return sum(self.counts) + self.below + self.above

    @property
    def shares(self) -> tuple[float, ...]:
        """The counts as shares of `rows`, 0 to 1; zeros where there are no rows."""
        return tuple(count / (self.rows or 1) for count in self.counts)


@dataclass(frozen=True)
class Bars:
    """Rows by label. `labels` stand in their order (very poor ... excellent), or by frequency."""

    name: str
    title: str
    labels: tuple[str, ...]
    layers: tuple[Layer, ...]
    steps: bool = False
    """Whether each bar is what is left of the one before (the funnel), not a part of a whole."""


@dataclass(frozen=True)
class Bins:
    """Rows by a number. Bin i goes from `edges[i]` up to `edges[i + 1]`, that excluded."""

    name: str
    title: str
    unit: str
    edges: tuple[float, ...]
    layers: tuple[Layer, ...]

    @property
    def together(self) -> bool:
        """Whether layers are of several splits; each then has ends of its own within the edges."""
        return any(layer.name not in (KEPT, SAMPLED) for layer in self.layers)


Series = Bars | Bins


@dataclass(frozen=True)
class _Plot:
    """A plot that a split may have. `columns`: the first that was measured is shown.

    `judge` names the annotator whose models have to be the same in splits that are compared.
    """

    name: str
    title: str
    columns: tuple[tuple[str, str], ...]
    judge: str = ""


COUNTED: Final = ("tokens", "characters")
"""Units of what is counted; other numbers are measured."""

_BY_LABEL: Final = (
    _Plot("quality", "Quality of the instruction", (("input_quality", ""),)),
    _Plot("difficulty", "Difficulty of the instruction", (("difficulty", ""),)),
    _Plot("category", "Task of the instruction", (("task_category", ""),)),
)
_BY_NUMBER: Final = (
    _Plot(
        "instruction-length",
        "Length of the instruction",
        (("instruction_tokens", "tokens"), ("instruction_length", "characters")),
    ),
    _Plot(
        "response-length",
        "Length of the response",
        (("response_tokens", "tokens"), ("response_length", "characters")),
    ),
    _Plot(
        "neighbour-distance",
        "Distance to the nearest neighbour",
        (("min_neighbor_distance", "squared L2 distance of the embeddings"),),
        "embedding",
    ),
    _Plot("reward", "Reward of the response", (("instruct_reward", "reward"),), "reward"),
    _Plot(
        "reward-difference",
        "Reward above the base model's",
        (("reward_difference", "difference of the rewards"),),
        "reward_difference",
    ),
)

BINNED: Final = tuple(column for plot in _BY_NUMBER for column, _ in plot.columns)
"""Columns of numbers that `facts["histograms"]` counts, where a release has them."""


def series(facts: Facts) -> list[Series]:
    """Return what is plotted of one split, the funnel first."""
    return [
        funnel(facts),
        *_numbers_of(facts, _BY_NUMBER[:2]),
        *_labels_of(facts),
        *_languages(facts),
        *_numbers_of(facts, _BY_NUMBER[2:]),
    ]


def funnel(facts: Facts) -> Bars:
    """Return the rows that are left after each step, steps that dropped nothing left out.

    The first bar are all rows; each other one is named after what dropped rows before it.
    """
    left, labels = facts["funnel"]["rows"], ["read" if facts.get("source") else SAMPLED]
    counts = [left]
    for step in facts["funnel"]["dropped"]:
        if step["rows"]:
            left -= step["rows"]
            labels.append(step["reason"])
            counts.append(left)
    layer = Layer("rows left", tuple(counts))
    return Bars("funnel", f"From {labels[0]} to kept", tuple(labels), (layer,), steps=True)


def _configs(facts: Facts) -> list[tuple[str, str]]:
    """Name of each layer of a split, with its configuration."""
    return [(KEPT, facts["default_config"]), (SAMPLED, RAW)]


def _without_echo(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Leave out what was counted of all sampled rows where that is the same as of the kept ones."""
    kept, sampled = layers
    same = (kept.counts, kept.below, kept.above) == (sampled.counts, sampled.below, sampled.above)
    return (kept,) if same else (kept, sampled)


def _labels_of(facts: Facts) -> Iterator[Bars]:
    for plot in _BY_LABEL:
        column = plot.columns[0][0]
        found = [_labelled(facts, config, column) for _, config in _configs(facts)]
        counted = [one for one in found if one is not None]
        if len(counted) < 2 or not any(one["rows"] for one in counted[0]["labels"]):
            continue
        layers = [
            _label_layer(name, one) for (name, _), one in zip(_configs(facts), counted, strict=True)
        ]
        names = tuple(one["label"] for one in counted[0]["labels"])
        yield Bars(plot.name, plot.title, names, _without_echo(layers))


def _labelled(facts: Facts, config: str, column: str) -> dict[str, Any] | None:
    told = facts.get("labels", {}).get(config, [])
    return next((one for one in told if one["column"] == column), None)


def _label_layer(name: str, counted: dict[str, Any]) -> Layer:
    return Layer(name, tuple(one["rows"] for one in counted["labels"]), none=counted["none"])


def _languages(facts: Facts) -> Iterator[Bars]:
    told = [facts.get("languages", {}).get(config) for _, config in _configs(facts)]
    if not told[0]:
        return
    names = [one["language"] for one in told[0][:LANGUAGES]]
    layers = []
    for (name, _), found in zip(_configs(facts), told, strict=True):
        rows = {one["language"]: one["rows"] for one in found or []}
        others = sum(count for language, count in rows.items() if language not in names)
        layers.append(Layer(name, (*(rows.get(language, 0) for language in names), others)))
    if not any(layer.counts[-1] for layer in layers):
        layers = [Layer(layer.name, layer.counts[:-1]) for layer in layers]
    labels = (*names, "others")[: len(layers[0].counts)]
    yield Bars("language", "Language of the instruction", labels, _without_echo(layers))


def _numbers_of(facts: Facts, plots: Sequence[_Plot]) -> Iterator[Bins]:
    for plot in plots:
        for column, unit in plot.columns:
            found = [_binned(facts, config, column) for _, config in _configs(facts)]
            counted = [one for one in found if one is not None]
            if len(counted) == 2 and _rows(counted[0]):
                layers = [
                    _bin_layer(name, one, _median(facts, config, column))
                    for (name, config), one in zip(_configs(facts), counted, strict=True)
                ]
                edges = _edges(counted[0])
                yield Bins(plot.name, plot.title, unit, edges, _without_echo(layers))
                break


def _binned(facts: Facts, config: str, column: str) -> dict[str, Any] | None:
    told = facts.get("histograms", {}).get(config, [])
    return next((one for one in told if one["column"] == column), None)


def _rows(counted: dict[str, Any]) -> int:
    return int(sum(counted["counts"]) + counted["below"] + counted["above"])


def _edges(counted: dict[str, Any]) -> tuple[float, ...]:
    first, width = counted["first"], counted["width"]
    return tuple((first + place) * width for place in range(len(counted["counts"]) + 1))


def _bin_layer(name: str, counted: dict[str, Any], median: float | None) -> Layer:
    outside = counted["below"], counted["above"]
    return Layer(name, tuple(counted["counts"]), counted["none"], *outside, median)


def _median(facts: Facts, config: str, column: str) -> float | None:
    for place in ("lengths", "numbers"):
        summary = facts.get(place, {}).get(config, {}).get(column)
        if summary:
            return float(summary["median"])
    return None


def compared(splits: Sequence[Facts]) -> list[Series]:
    """Return what is plotted of two splits or more together: a layer each, of their kept rows.

    Only what was measured in all of them, and what a model measured only where that was the same
    model: rewards of two models have no common scale. Empty for one split.
    """
    if len(splits) < 2:
        return []
    alone = [{one.name: one for one in series(facts)} for facts in splits]
    names = [facts["split"] for facts in splits]
    found: list[Series] = []
    for plot in (*_BY_NUMBER[:2], *_BY_LABEL, *_BY_NUMBER[2:]):
        told = [one[plot.name] for one in alone if plot.name in one]
        if len(told) < len(splits) or not _same_models(splits, plot.judge):
            continue
        if all(isinstance(one, Bins) for one in told):
            found += _bins_together([one for one in told if isinstance(one, Bins)], names)
        else:
            found += _bars_together([one for one in told if isinstance(one, Bars)], names)
    return found


def _same_models(splits: Sequence[Facts], judge: str) -> bool:
    """Whether an annotator asked the same models in all splits; yes, where none is meant."""
    told = [
        {
            model["model"]
            for one in facts["annotators"]
            if one["name"] == judge
            for model in one["models"]
        }
        for facts in splits
    ]
    return not judge or all(models == told[0] for models in told)


def _named(layer: Layer, name: str, counts: tuple[int, ...]) -> Layer:
    return Layer(name, counts, layer.none, layer.below, layer.above, layer.median)


def _bars_together(told: Sequence[Bars], names: Sequence[str]) -> Iterator[Bars]:
    if all(one.labels == told[0].labels for one in told):
        layers = [
            _named(one.layers[0], name, one.layers[0].counts)
            for one, name in zip(told, names, strict=True)
        ]
        yield Bars(told[0].name, told[0].title, told[0].labels, tuple(layers))


def _bins_together(told: Sequence[Bins], names: Sequence[str]) -> Iterator[Bins]:
    """Lay histograms over one another, in the widest bins of any; see `histogram` why that fits."""
    if any(one.unit != told[0].unit for one in told):
        return
    width = max(one.edges[1] - one.edges[0] for one in told)
    low, high = min(one.edges[0] for one in told), max(one.edges[-1] for one in told)
    while (high - low) / width > MOST_BINS:
        width *= 2
    first = int(low // width)
    bins = int(-(-high // width)) - first
    layers = []
    for one, name in zip(told, names, strict=True):
        counts = [0] * bins
        for edge, count in zip(one.edges, one.layers[0].counts, strict=False):
            counts[int(edge // width) - first] += count
        layers.append(_named(one.layers[0], name, tuple(counts)))
    edges = tuple((first + place) * width for place in range(bins + 1))
    yield Bins(told[0].name, told[0].title, told[0].unit, edges, tuple(layers))
