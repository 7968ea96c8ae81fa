"""Other runs beside whose rows a map puts the run's own: Magpie Air against Magpie Pro.

Nothing is computed for them: their vectors stand in their shards, and what they kept stands in
their releases. Only their names are in a recipe, so that it holds on every machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from builder.errors import RunError
from builder.neighbours.vectors import matrix
from builder.recipe.schema import Recipe
from builder.release.layout import config_of, parquet_files, split_of
from builder.release.plots.points import Placed, model_of, sampled, vectors_of
from builder.release.recipe_text import compared_name
from builder.run.directory import RUNS, RunDirectory
from builder.run.shards import Shards


def find_run(name: str, own: Path, base: Path) -> Path:
    """Return the directory of another run; `own` is that of the run itself.

    A name is that of a directory beside `own` or in `runs/`, or else the name of the recipe of the
    one run beside `own` that was built from it. What has a slash in it is a path, from `base` or
    from the working directory. Raises `RunError` where there is none, or it is the run itself.
    """
    path = Path(name).expanduser()
    places = [base / path, path] if "/" in name or path.is_absolute() else []
    places = places or [own.resolve().parent / name, RUNS / name, *_of_recipe(name, own)]
    found = next((one for one in places if (one / "run.json").is_file()), None)
    if found is None:
        looked = ", ".join(dict.fromkeys(str(one) for one in places[:2]))
        raise RunError(f"there is no run {name} (looked for {looked})")
    if found.resolve() == own.resolve():
        raise RunError(f"{name} is this run itself")
    return found


def _of_recipe(name: str, own: Path) -> Iterator[Path]:
    """The run beside `own` that was built from a recipe of this name, if it is the only one."""
    beside = sorted(one.parent for one in own.resolve().parent.glob("*/run.json"))
    found = [one for one in beside if one != own.resolve() and _recipe_name(one) == name]
    yield from found if len(found) == 1 else ()


def _recipe_name(run: Path) -> object:
    try:
        return json.loads((run / "run.json").read_text(encoding="utf-8"))["recipe"]["name"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def other_run(name: str, run: Path, most: int, model: str) -> Placed:
    """Return at most so many kept rows of a run with the vectors that it has of them.

    Raises `RunError` where it has no release, or no vectors of `model`.
    """
    try:
        directory = RunDirectory(run)
        record = directory.record()
        rows = _released(directory.release_path, Recipe.model_validate(record.recipe))
        vectors = _vectors(directory.shards(record), sampled(rows, most), model)
    except (ValueError, OSError, pl.exceptions.PolarsError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise RunError(f"the run {run} cannot be read: {said}") from error
    shown = rows.select("row", "instruction").join(vectors, on="row", maintain_order="right")
    texts = tuple(shown["instruction"].fill_null("").to_list())
    return Placed(
        compared_name(name),
        texts,
        matrix(shown["embedding"]),
        rows.height,
        release=release_id(rows["uuid"]),
    )


def release_id(uuids: pl.Series) -> str:
    """Return the SHA-256, in hex, of the uuids of a release's kept rows, in order, a line each.

    It says which rows were sampled and which of them kept, and stays where only the looks of a
    release change; so two runs that show each other come to rest.
    """
    return hashlib.sha256("".join(f"{uuid}\n" for uuid in uuids).encode()).hexdigest()


def _released(release: Path, recipe: Recipe) -> pl.DataFrame:
    files = parquet_files(release, config_of(recipe), split_of(recipe))
    if not files:
        raise RunError(f"the run {release.parent} has no release yet")
    return pl.scan_parquet(files).select("row", "uuid", "instruction").collect()


def _vectors(shards: Shards, rows: pl.Series, model: str) -> pl.DataFrame:
    found = vectors_of(shards, rows)
    if found.is_empty():
        raise RunError("it has no vectors of its kept rows")
    if model_of(found) != model:
        raise RunError(f"its vectors are of {model_of(found)}, and this run's of {model}")
    return found
