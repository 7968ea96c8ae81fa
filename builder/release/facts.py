"""facts/<split>.json: every number that a card prints, counted in the written files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from builder import __version__
from builder.errors import RunError
from builder.recipe.model_source import is_hub_id
from builder.recipe.schema import Recipe
from builder.recipe.template import PromptTemplate
from builder.release import statistics
from builder.release.columns import FILTERED_COLUMNS, RAW_COLUMNS, Column, type_name
from builder.release.layout import RAW, config_of, facts_path, parquet_files, split_of
from builder.release.model_name import model_name

FORMAT: Final = 1

Facts = dict[str, Any]


def gather(
    folder: Path, recipe: Recipe, template: PromptTemplate, funnel: Mapping[str, object]
) -> Facts:
    """Count what was written for a split. `funnel` is `Funnel.to_json()` of its selection."""
    split, config = split_of(recipe), config_of(recipe)
    kept_files = parquet_files(folder, config, split)
    raw_files = parquet_files(folder, RAW, split)
    kept = statistics.narrow_columns(kept_files)
    raw = statistics.narrow_columns(raw_files)
    return {
        "format": FORMAT,
        "magpie": __version__,
        "split": split,
        "repo": recipe.publish.repo if recipe.publish else None,
        "default_config": config,
        "recipe": _recipe(recipe),
        "model": {
            "id": model_name(recipe),
            "revision": recipe.model.revision,
            "license": recipe.model.license,
            "on_hub": is_hub_id(recipe.model.id),
        },
        "template": _template(recipe, template),
        "sweep": statistics.sweep(recipe, raw, kept),
        "funnel": _with_shares(funnel),
        "configs": {
            config: _config(folder, kept_files, kept.height, FILTERED_COLUMNS),
            RAW: _config(folder, raw_files, raw.height, RAW_COLUMNS),
        },
        "lengths": {config: statistics.lengths(kept), RAW: statistics.lengths(raw)},
        "finish_reasons": {
            name: {column: statistics.reasons(rows, column) for column in _FINISH}
            for name, rows in ((config, kept), (RAW, raw))
        },
    }


def origin_facts(origin: Mapping[str, Any]) -> Facts:
    """What run.json knows of the server and the preflight; null where there was none."""
    return {key: origin.get(key) for key in ("server", "preflight")}


_FINISH: Final = ("instruction_finish_reason", "finish_reason")


def _recipe(recipe: Recipe) -> Facts:
    keys = {"name", "version", "summary", "seed", "target", "respond", "select", "response"}
    values = recipe.model_dump(mode="json", include=keys)
    values["instruction"] = recipe.instruction.model_dump(mode="json", exclude={"sweep"})
    values["engine"] = recipe.engine.kind
    values["rules"] = {
        stage: [{"name": name, "sql": sql} for name, sql in rules.items()]
        for stage, rules in (
            ("instruction", recipe.rules.instruction),
            ("response", recipe.rules.response),
        )
    }
    return values


def _template(recipe: Recipe, template: PromptTemplate) -> Facts:
    values = template.to_json()
    del values["source"]  # may name a folder of this machine
    return values | {"given_by": "recipe" if recipe.template else "tokenizer"}


def _with_shares(funnel: Mapping[str, Any]) -> Facts:
    """Add to each step of a funnel its share of all rows, with four decimals."""
    rows = funnel["rows"] or 1
    steps = [step | {"share": round(step["rows"] / rows, 4)} for step in funnel["dropped"]]
    kept = funnel["kept"]
    return {**funnel, "dropped": steps, "kept_share": round(kept / rows, 4)}


def _config(folder: Path, files: Sequence[Path], rows: int, columns: Sequence[Column]) -> Facts:
    sizes = {file.relative_to(folder).as_posix(): file.stat().st_size for file in files}
    return {
        "rows": rows,
        "size_category": statistics.size_category(rows),
        "bytes": sum(sizes.values()),
        "files": sizes,
        "columns": [
            {"name": column.name, "type": type_name(column.type), "meaning": column.meaning}
            for column in columns
        ],
    }


def facts_text(facts: Facts) -> str:
    """Return facts as JSON with sorted keys: the same facts are the same bytes."""
    return json.dumps(facts, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def read_facts(folder: Path, split: str) -> Facts:
    """Read the facts of a split. Raises `RunError` when they make no sense to this version."""
    path = facts_path(folder, split)
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        seen = facts["format"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(
            f"{path} cannot be read: {error}", mend=f"Publish the split {split} anew."
        ) from error
    if seen != FORMAT:
        raise RunError(
            f"{path} has format {seen}; this version of magpie reads {FORMAT}",
            mend="Use the version of magpie that made it, or publish that split anew.",
        )
    return dict(facts)
