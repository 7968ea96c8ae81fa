"""Servers for a build: those at the recipe's endpoints, or containers for the time of the run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from builder.engines.base import Served
from builder.recipe.annotators import asks_engine
from builder.recipe.engine_spec import TgiEngineSpec
from builder.recipe.load import recipe_path
from builder.recipe.model_source import is_folder, model_folder
from builder.recipe.resolve import Resolved, Source
from builder.recipe.schema import EngineSpec, Recipe
from builder.run.directory import RunDirectory
from builder.server.leftovers import ports_of_ours
from builder.server.needs.prerequisites import Look, check_machine, refuse_missing
from builder.server.plan import ServeRequest
from builder.server.ready import Ears
from builder.server.serving import serving


def starts_containers(spec: EngineSpec) -> bool:
    """Whether an engine needs containers of ours: one without endpoints that is served."""
    return isinstance(spec, TgiEngineSpec) and not spec.endpoint


def refuse_unready(recipe: Recipe, source: Source, run: Path | None) -> None:
    """Raise `PrerequisiteError` with all that this machine lacks to start a recipe's containers.

    Nothing is looked at where nobody asks the recipe's engine.

    `run` is the directory of the run that they serve, None where they are to stay. Servers at
    endpoints may come and go; whether they answer shows when they are asked.
    """
    if starts_containers(recipe.engine) and asks_engine(recipe):
        model, base = recipe.model.id, recipe_path(source.recipe).parent
        folder = model_folder(model, base) if is_folder(model, base) else None
        look = Look(ours=ports_of_ours(run), rows=run)
        refuse_missing(check_machine(recipe, folder, look), source.recipe)


@contextlib.contextmanager
def hosted(resolved: Resolved, run: RunDirectory, tell: Callable[[str], None]) -> Iterator[Served]:
    """Have servers for the engines of a recipe while the block runs; `tell` says how far they are.

    What serves is written into run.json, its image by digest, and the same digest serves the run
    when it goes on. Raises `ServerError`.
    """
    spec = resolved.recipe.engine
    if not asks_engine(resolved.recipe):
        yield Served()
        return
    if not (isinstance(spec, TgiEngineSpec) and starts_containers(spec)):
        yield Served(spec.endpoint)
        return
    if run.holds_rows():  # a new run was looked at before its model was
        refuse_unready(resolved.recipe, resolved.source, run.path)
    model = resolved.recipe.model
    request = ServeRequest(
        model_id=model.id,
        revision=model.revision,
        recipe=resolved.recipe.name,
        model_folder=resolved.model_folder,
        run=run.path,
        digest=_digest(run.record().server),
    )
    with serving(spec, request, Ears(tell, run.note)) as running:
        run.amend(server=running.record)
        yield running.served


def _digest(server: Mapping[str, object] | None) -> str | None:
    digest = server.get("digest") if server else None
    return str(digest) if digest else None
