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
from builder.release.columns import Column, filtered_columns, raw_columns, type_name
from builder.release.layout import RAW, config_of, facts_path, parquet_files, split_of
from builder.release.licensing import model_licenses, stated
from builder.release.limits import limits
from builder.release.measured import measured, measured_columns
from builder.release.memory import arrow_bytes
from builder.release.model_name import model_name, name_of
from builder.release.recipe_text import rebuild_command, source_name
from builder.release.samples import samples
from builder.release.tally import Tally

FORMAT: Final = 1

Facts = dict[str, Any]


def gather(
    folder: Path, recipe: Recipe, template: PromptTemplate, funnel: Mapping[str, Any], tally: Tally
) -> Facts:
    """Count what was written for a split. `funnel` is `Funnel.to_json()` of its selection."""
    split, config = split_of(recipe), config_of(recipe)
    columns = {config: filtered_columns(recipe), RAW: raw_columns(recipe)}
    files = {name: parquet_files(folder, name, split) for name in columns}
    rows = {
        name: statistics.narrow_columns(files[name], measured_columns(recipe, columns[name]))
        for name in columns
    }
    annotators = tally.facts(funnel)
    return {
        "format": FORMAT,
        "magpie": __version__,
        "split": split,
        "repo": recipe.publish.repo if recipe.publish else None,
        "default_config": config,
        "card": recipe.publish.card if recipe.publish else None,
        "recipe": _recipe(recipe),
        "source": _source(recipe),
        "rebuild": rebuild_command(recipe),
        "model": _model(recipe),
        "judge": _judge(recipe),
        "licenses": model_licenses(recipe, annotators),
        **stated(recipe),
        "template": _template(recipe, template),
        "sweep": [] if recipe.source else statistics.sweep(recipe, rows[RAW], rows[config]),
        "funnel": _with_shares(funnel),
        "annotators": annotators,
        "limits": limits(rows[config], annotators),
        "configs": {
            name: _config(folder, files[name], rows[name].height, columns[name]) for name in columns
        },
        "lengths": {name: statistics.lengths(found) for name, found in rows.items()},
        "finish_reasons": {
            name: {column: statistics.reasons(found, column) for column in _FINISH}
            for name, found in rows.items()
        },
        **measured(recipe, rows),
        "samples": samples(files[config], recipe.seed),
    }


def origin_facts(origin: Mapping[str, Any]) -> Facts:
    """What the run knows of the server and the preflight, null where there was none, and the cost.

    The cost is measured in time, and so the only fact that another run of the same recipe does
    not have to share. A run that kept no account has none.
    """
    found = {key: origin.get(key) for key in ("server", "preflight")}
    return found | ({"cost": _in_hours(origin["cost"])} if origin.get("cost") else {})


def _in_hours(cost: Mapping[str, Any]) -> Facts:
    """Round as a card prints it, and add to each stage its GPU-hours."""
    stages = [
        {**stage, "gpu_hours": round(stage["gpu_seconds"] / 3600, 2)} for stage in cost["stages"]
    ]
    places = {"gpu_hours": 2, "kept_per_gpu_hour": None, "tokens_per_kept_row": None}
    known = {name: cost[name] for name in places if cost.get(name) is not None}
    rounded = {name: round(value, places[name]) for name, value in known.items()}
    return {**cost, **rounded, "stages": stages}


_FINISH: Final = ("instruction_finish_reason", "finish_reason")


def _source(recipe: Recipe) -> Facts | None:
    """The data set that the rows come from; None where the model sampled them."""
    source = recipe.source
    if source is None:
        return None
    found = source.found
    return {
        "dataset": source_name(source),
        "on_hub": source.revision is not None,
        "config": source.config,
        "split": source.split,
        "revision": source.revision,
        "rows": found.rows if found else None,
        "sha256": found.sha256 if found else None,
    }


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


def _model(recipe: Recipe) -> Facts:
    return {
        "id": model_name(recipe),
        "revision": recipe.model.revision,
        "license": recipe.model.license,
        "on_hub": is_hub_id(recipe.model.id),
    }


def _judge(recipe: Recipe) -> Facts | None:
    """The model that judges, where it is another one than the recipe's own."""
    if recipe.judge is None:
        return None
    model, engine = recipe.judge.model, recipe.judge.engine
    return {
        "id": name_of(model),
        "revision": model.revision,
        "on_hub": is_hub_id(model.id),
        "engine": engine.kind,
    }


def _template(recipe: Recipe, template: PromptTemplate) -> Facts:
    values = template.to_json()
    del values["source"]  # may name a folder of this machine
    by = "data set" if recipe.source else "recipe" if recipe.template else "tokenizer"
    return values | {"given_by": by}


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
        "arrow_bytes": arrow_bytes(files),
        "files": sizes,
        "columns": [
            {
                "name": column.name,
                "type": type_name(column.type),
                "meaning": column.meaning,
                "labels": list(column.labels),
            }
            for column in columns
        ],
    }


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
