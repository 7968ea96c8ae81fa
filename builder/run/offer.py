"""The record that a run of a recipe would start with."""

from __future__ import annotations

from pathlib import Path

from builder.recipe.resolve import Resolved, Source
from builder.recipe.schema import Target
from builder.run.record import RunRecord


def offer(resolved: Resolved) -> RunRecord:
    """What run.json says when a run of this recipe starts now; see `RunDirectory.begin`.

    The template shapes rows as much as the recipe does: a model's files may change under it. Rows
    of a source have had theirs.
    """
    recipe, template = resolved.recipe, resolved.template.to_json()
    texts = {f"derived.{key}": value for key, value in template.items() if key != "source"}
    return RunRecord(
        source=_from_anywhere(resolved.source),
        recipe=recipe.model_dump(mode="json"),
        template=template,
        shape=recipe.shape() | ({} if recipe.source else texts),
        rows_a_shard=rows_a_shard(recipe.target),
    )


def _from_anywhere(source: Source) -> Source:
    """The same source, readable from another working directory too."""
    path = Path(source.recipe)
    return Source(str(path.resolve()), source.overrides) if path.is_file() else source


def rows_a_shard(target: Target) -> int:
    """Rows of a shard: a thousand, fewer where a small target would leave but one or two."""
    rows = target.kept or target.sampled or 0
    return max(32, min(1000, rows // 8))
