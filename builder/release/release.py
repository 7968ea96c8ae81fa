"""Make a release from the rows of a run and what selecting decided of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

from builder.errors import RunError
from builder.recipe.annotators import outputs, whole_set_columns
from builder.recipe.license_files import license_files
from builder.recipe.schema import Recipe
from builder.recipe.template import PromptTemplate
from builder.release.card import write_card
from builder.release.changelog import changelog
from builder.release.checksums import facts_text, sealed
from builder.release.columns import filtered_columns, raw_columns
from builder.release.facts import Facts, gather, origin_facts
from builder.release.folder_swap import replacing_folder
from builder.release.layout import CHANGELOG, RAW, config_of, facts_path, recipe_path, split_of
from builder.release.license_text import write_licenses
from builder.release.parquet import SplitWriter
from builder.release.plots.coverage import Ground, coverage
from builder.release.plots.drawing import draw_split
from builder.release.plots.embedded import Reach
from builder.release.recipe_text import recipe_text
from builder.release.rows_out import released
from builder.release.tally import Tally
from builder.run.directory import NEIGHBOURS_FILE
from builder.run.shards import Shards

_ANEW: Final = "Run `magpie filter RUN` to select anew from the rows that are there."


@dataclass(frozen=True)
class Release:
    """A release that stands on the disk."""

    folder: Path
    split: str
    facts: Facts
    notes: tuple[str, ...] = ()
    """What it had to do without, a sentence each, for whoever made it."""

    @property
    def rows(self) -> Mapping[str, int]:
        """Configuration -> number of rows."""
        return {name: config["rows"] for name, config in self.facts["configs"].items()}


@dataclass(frozen=True)
class Selected:
    """What a release is made from: the rows of a run and the selection over them."""

    shards: Shards
    selection: Path
    """Parquet file with the columns `rows.SELECTION`."""
    funnel: Mapping[str, Any]
    """`Funnel.to_json()` of that selection."""
    origin: Mapping[str, Any] = field(default_factory=dict)
    """`server` and `preflight` as run.json has them, and `cost` where an account was kept."""
    base: Path | None = None
    """Folder that paths in the recipe start from. None: no texts of licences are looked for."""
    reach: Reach | None = None
    """Asks an embedding server for data sets on the map. None: those of a server are left out."""

    @property
    def neighbours(self) -> Path | None:
        """Parquet file with the neighbours' columns; None where selecting found none."""
        told = self.funnel.get("neighbours") is not None
        return self.selection.with_name(NEIGHBOURS_FILE) if told else None


def make_release(
    folder: Path,
    selected: Selected,
    recipe: Recipe,
    template: PromptTemplate,
    tell: Callable[[str], None] = lambda _: None,
) -> Release:
    """Write the release of a run as `folder`, in place of an older one, as a whole or not at all.

    It follows from rows, recipe, template, origin and the version of this package alone, byte for
    byte; its map also from what it shows beside them, from the kind of machine and from whether
    the extra `plots` is installed. `tell` hears what takes time. Raises `RunError` when no row was
    kept (`datasets` cannot open a split without rows) or rows are missing that the selection has,
    `StorageError` when the disk refuses.
    """
    _refuse_nothing(selected.funnel)
    split = split_of(recipe)
    with replacing_folder(folder) as draft:
        tally = _write_rows(draft, selected, recipe, template)
        facts = gather(draft, recipe, template, selected.funnel, tally)
        facts |= origin_facts(selected.origin)
        texts = license_files(recipe, selected.base) if selected.base else None
        facts["licenses"] = write_licenses(draft, facts, texts)
        seen = coverage(_ground(draft, selected, recipe), tell)
        facts |= {"map": seen.facts, "plots": draw_split(draft, facts, seen.maps)}
        _write(recipe_path(draft, split), recipe_text(recipe))
        facts = sealed(draft, facts)
        _write(facts_path(draft, split), facts_text(facts))
        _write(draft / CHANGELOG, changelog(facts))
        write_card(draft)
    return Release(folder, split, facts, seen.notes)


def _ground(draft: Path, selected: Selected, recipe: Recipe) -> Ground:
    base = selected.base or Path()
    run = selected.selection.parent
    return Ground(draft, recipe, selected.shards, run, base, selected.reach)


def _refuse_nothing(funnel: Mapping[str, Any]) -> None:
    if funnel["kept"]:
        return
    steps = sorted(funnel["dropped"], key=lambda step: -step["rows"])
    seen = ", ".join(f"{step['reason']} {step['rows']}" for step in steps if step["rows"])
    mend = "Loosen the rule that drops most, then run `magpie filter RUN`; or sample more rows."
    if any(step["reason"] == "unanswered" and step["rows"] for step in steps):
        mend = "Rows wait for a judgement or a response: `magpie build RECIPE --run RUN` asks."
    raise RunError(
        f"no row is left for a release: of {funnel['rows']} rows, dropped were {seen or 'none'}",
        mend=mend,
    )


def _write_rows(draft: Path, selected: Selected, recipe: Recipe, template: PromptTemplate) -> Tally:
    """Write the rows, and return what was counted on the way."""
    split, config, tally = split_of(recipe), config_of(recipe), Tally(recipe)
    last = int(selected.funnel["rows"])
    with (
        SplitWriter(draft / config, split, filtered_columns(recipe), last) as kept,
        SplitWriter(draft / RAW, split, raw_columns(recipe), last) as raw,
        ThreadPoolExecutor(2) as pool,  # compressing takes longest and lets other threads run
    ):
        writing: list[Future[None]] = []
        for known in _shard_by_shard(selected, recipe):
            tally.add(known)
            rows = released(known, recipe, template)
            _settle(writing)
            stays = rows.filter(pl.col("drop_reason").is_null())
            writing = [pool.submit(raw.write, rows), pool.submit(kept.write, stays)]
        _settle(writing)
        _settle([pool.submit(raw.finish), pool.submit(kept.finish)])
    return tally


def _settle(writing: Sequence[Future[Any]]) -> None:
    """Wait for what is being written, and raise what went wrong."""
    for future in writing:
        future.result()


def _shard_by_shard(selected: Selected, recipe: Recipe) -> Iterator[pl.DataFrame]:
    """Yield what is known of the rows that the release covers, a shard at a time, in order.

    Columns are those of `Shard.rows` with flags but without vectors, of `rows.SELECTION` and of
    the neighbours. Raises `RunError`.
    """
    selection, late = pl.read_parquet(selected.selection), _late_columns(selected, recipe)
    vectors = tuple(name for name, told in outputs(recipe).items() if told.kind == pl.Binary)
    found = 0
    for shard in selected.shards:
        if found == selection.height:
            return
        inside = pl.col("row").is_between(shard.first, shard.end - 1)
        rows = shard.rows(without=vectors, flags=True)
        rows = rows.join(selection.filter(inside), on=["row", "uuid"], maintain_order="left")
        found += rows.height
        yield rows.join(late.filter(inside), on="row", how="left", maintain_order="left")
    if found != selection.height:
        raise RunError(
            f"{selected.selection} speaks of {selection.height} rows, and the shards hold "
            f"{found} of them",
            mend=_ANEW,
        )


def _late_columns(selected: Selected, recipe: Recipe) -> pl.DataFrame:
    """Return what is known only once all rows are there, with `row`; no rows where nobody asked."""
    known, wanted = outputs(recipe), sorted(whole_set_columns(recipe))
    if selected.neighbours is not None:
        if not selected.neighbours.exists():
            raise RunError(f"{selected.neighbours} is not there", mend=_ANEW)
        found = pl.read_parquet(selected.neighbours)
        return found.select("row", *(name for name in wanted if name in found.columns))
    return pl.DataFrame(schema={"row": pl.Int64()} | {name: known[name].kind for name in wanted})


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
