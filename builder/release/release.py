"""Make a release from the rows of a run and what selecting decided of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from builder.errors import RunError
from builder.recipe.schema import Recipe
from builder.recipe.template import PromptTemplate
from builder.release.card import write_card
from builder.release.changelog import changelog
from builder.release.columns import FILTERED_COLUMNS, RAW_COLUMNS
from builder.release.facts import Facts, facts_text, gather, origin_facts
from builder.release.folder_swap import replacing_folder
from builder.release.layout import CHANGELOG, RAW, config_of, facts_path, recipe_path, split_of
from builder.release.parquet import SplitWriter
from builder.release.recipe_text import recipe_text
from builder.release.rows_out import released
from builder.run.shards import Shards


@dataclass(frozen=True)
class Release:
    """A release that stands on the disk."""

    folder: Path
    split: str
    facts: Facts

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
    """`server` and `preflight` as run.json has them."""


def make_release(
    folder: Path, selected: Selected, recipe: Recipe, template: PromptTemplate
) -> Release:
    """Write the release of a run as `folder`, in place of an older one, as a whole or not at all.

    It follows from rows, recipe, template, origin and the version of this package alone, byte for
    byte. Raises `RunError` when no row was kept (`datasets` cannot open a split without rows) or
    rows are missing that the selection has, `StorageError` when the disk refuses.
    """
    _refuse_nothing(selected.funnel)
    split = split_of(recipe)
    with replacing_folder(folder) as draft:
        _write_rows(draft, selected, recipe, template)
        facts = gather(draft, recipe, template, selected.funnel) | origin_facts(selected.origin)
        _write(facts_path(draft, split), facts_text(facts))
        _write(recipe_path(draft, split), recipe_text(recipe))
        _write(draft / CHANGELOG, changelog(facts))
        write_card(draft)
    return Release(folder, split, facts)


def _refuse_nothing(funnel: Mapping[str, Any]) -> None:
    if funnel["kept"]:
        return
    steps = sorted(funnel["dropped"], key=lambda step: -step["rows"])
    seen = ", ".join(f"{step['reason']} {step['rows']}" for step in steps if step["rows"])
    raise RunError(
        f"no row is left for a release: of {funnel['rows']} rows, dropped were {seen or 'none'}",
        mend="Loosen the rule that drops most, then run `magpie filter RUN`; or sample more rows.",
    )


def _write_rows(draft: Path, selected: Selected, recipe: Recipe, template: PromptTemplate) -> None:
    split, config = split_of(recipe), config_of(recipe)
    with (
        SplitWriter(draft / config, split, FILTERED_COLUMNS) as kept,
        SplitWriter(draft / RAW, split, RAW_COLUMNS) as raw,
        ThreadPoolExecutor(2) as pool,  # compressing takes longest and lets other threads run
    ):
        writing: list[Future[None]] = []
        for rows in _shard_by_shard(selected, recipe, template):
            _settle(writing)
            stays = rows.filter(pl.col("drop_reason").is_null())
            writing = [pool.submit(raw.write, rows), pool.submit(kept.write, stays)]
        _settle(writing)
        _settle([pool.submit(raw.finish), pool.submit(kept.finish)])


def _settle(writing: Sequence[Future[Any]]) -> None:
    """Wait for what is being written, and raise what went wrong."""
    for future in writing:
        future.result()


def _shard_by_shard(
    selected: Selected, recipe: Recipe, template: PromptTemplate
) -> Iterator[pl.DataFrame]:
    """Yield the rows of the raw configuration in order, a shard at a time. Raises `RunError`."""
    selection = pl.read_parquet(selected.selection)
    found = 0
    for shard in selected.shards:
        if found == selection.height:
            return
        decided = selection.filter(pl.col("row").is_between(shard.first, shard.end - 1))
        rows = shard.rows().join(decided, on=["row", "uuid"], maintain_order="left")
        found += rows.height
        yield released(rows, recipe, template)
    if found != selection.height:
        raise RunError(
            f"{selected.selection} speaks of {selection.height} rows, and the shards hold "
            f"{found} of them",
            mend="Run `magpie filter RUN` to select anew from the rows that are there.",
        )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
