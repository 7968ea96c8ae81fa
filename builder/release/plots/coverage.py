"""The coverage map of a release: what its kept rows cover, by task and beside other data sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from builder.annotate.embedding import EmbeddingOptions
from builder.errors import MissingExtraError
from builder.recipe.annotators import annotations_of
from builder.recipe.schema import Recipe
from builder.release.layout import config_of, parquet_files, split_of
from builder.release.plots import tsne
from builder.release.plots.beside import placed, wanted
from builder.release.plots.embedded import COMPARED_FILE, Embedding, Reach
from builder.release.plots.facets import Facets, Panel
from builder.release.plots.points import (
    MAP_FILE,
    model_of,
    places_of,
    sampled,
    told,
    vectors_of,
)
from builder.release.plots.scale import per_cent
from builder.run.shards import Shards

CATEGORY: Final = "task_category"

_HOW: Final = "by t-SNE of their vectors: what is alike lies together"


@dataclass(frozen=True)
class Coverage:
    """What came of the map: drawings with their names, what the facts say, what to tell people.

    `facts` is None where there is no map.
    """

    maps: tuple[tuple[str, Facets], ...] = ()
    facts: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ground:
    """What a map is made from: the release as it is written so far, and the run's vectors."""

    draft: Path
    recipe: Recipe
    shards: Shards
    folder: Path
    """Folder that holds the run's selection, and `MAP_FILE` beside it."""
    base: Path
    """Folder that paths in the recipe start from."""
    reach: Reach | None = None
    """Asks the embedding server of the recipe, where that is a server; None: it cannot be asked."""


def coverage(ground: Ground, tell: Callable[[str], None]) -> Coverage:
    """Lay out the kept rows of a release, where the recipe wants it and rows have vectors.

    `tell` hears what takes time. Without the extra there is no map, and a note that says so; what
    cannot be shown beside them is left out, with a note. Raises `RunError` where vectors of one
    model have different widths, `StorageError`.
    """
    kept = ground.folder / MAP_FILE
    rows = _kept_rows(ground)
    made = _made(ground, rows, kept, tell) if ground.recipe.plots.map else Coverage()
    if made.facts is None:
        kept.unlink(missing_ok=True)  # it would be of another release
        (ground.folder / COMPARED_FILE).unlink(missing_ok=True)
    return made


def _made(ground: Ground, rows: pl.DataFrame, kept: Path, tell: Callable[[str], None]) -> Coverage:
    recipe, run = ground.recipe, ground.folder
    options = _embedding(recipe)
    if options is None:
        return Coverage()
    try:
        tsne.refuse_missing()
    except MissingExtraError as error:
        return Coverage(notes=(f"The release has no map: {error.message}. {error.mend}",))
    asked = wanted(recipe, run, ground.base)
    found = vectors_of(ground.shards, sampled(rows, asked.most))
    if found.height < tsne.FEWEST:
        return Coverage()
    how = Embedding(options, ground.base, model_of(found), run / COMPARED_FILE, ground.reach)
    others, notes = placed(asked, recipe, how, run, tell)
    points = places_of(found, others, kept, tell)
    facts = told(points, rows.height, others)
    maps = tuple(_maps(points, rows, facts, split_of(recipe)))
    return Coverage(maps, facts, (*asked.notes, *notes))


def _embedding(recipe: Recipe) -> EmbeddingOptions | None:
    found = (one.options for one in annotations_of(recipe) if one.name == "embedding")
    return next((one for one in found if isinstance(one, EmbeddingOptions)), None)


def _kept_rows(ground: Ground) -> pl.DataFrame:
    """`row`, `uuid` and, where it was asked for, the task of the kept rows."""
    files = parquet_files(ground.draft, config_of(ground.recipe), split_of(ground.recipe))
    plan = pl.scan_parquet(files)
    wanted = [name for name in ("row", "uuid", CATEGORY) if name in plan.collect_schema().names()]
    return plan.select(wanted).collect()


def _maps(
    points: pl.DataFrame, rows: pl.DataFrame, facts: dict[str, Any], split: str
) -> list[tuple[str, Facets]]:
    own = points.filter(pl.col("set").is_null())
    found = [("map", _by_task(own, rows, facts))]
    if facts["sets"]:
        found.append(("map-compared", _by_set(points, facts, split)))
    return found


def _of(points: int, rows: int) -> str:
    return f"{points:,}" if points == rows else f"{points:,} of {rows:,}"


def _by_task(own: pl.DataFrame, rows: pl.DataFrame, facts: dict[str, Any]) -> Facets:
    many = _of(facts["points"], facts["rows"])
    alt = f"Map of {many} kept instructions, {_HOW}."
    if CATEGORY not in rows.columns or not rows[CATEGORY].count():
        return Facets("What the instructions cover", f"{many} kept rows, {_HOW}", alt, own, None)
    group = rows.select("row", pl.col(CATEGORY).cast(pl.String).alias("group"))
    grouped = own.join(group, on="row", how="left", maintain_order="left")
    counts = dict(grouped["group"].drop_nulls().value_counts().iter_rows())
    kind = rows.schema[CATEGORY]
    order = kind.categories.to_list() if isinstance(kind, pl.Enum) else sorted(counts)
    shares = {name: counts[name] / grouped.height for name in order if name in counts}
    panels = [Panel(name, name, _rounded(share)) for name, share in shares.items()]
    said = ", ".join(f"{name} {per_cent(share)}" for name, share in shares.items())
    title = "What the instructions cover, task by task"
    note = f"{many} kept rows, {_HOW}"
    return Facets(title, note, f"{alt} A panel a task: {said}.", grouped, panels)


def _rounded(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.005 else "< 1 %"


def _by_set(points: pl.DataFrame, facts: dict[str, Any], split: str) -> Facets:
    sets = [{**facts, "name": split}, *facts["sets"]]
    said = _listed(
        [f"{_of(one['points'], one['rows'])} instructions of {one['name']}" for one in sets]
    )
    return Facets(
        "What the instructions cover, beside other data sets",
        f"In grey all of them, {_HOW}",
        f"Map of {said}, a panel each, {_HOW}.",
        points.with_columns(group=pl.col("set").fill_null(split)),
        [Panel(one["name"], one["name"].split("/")[-1], f"{one['points']:,}") for one in sets],
    )


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"
