"""The main path: from a recipe to a release, a stage a line.

    recipe -> template -> run -> rows (instruct, screen, respond, screen) -> selection -> release

Stages meet here and on disk; none imports another.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from builder.annotate.served import refuse_unserved as refuse_annotators
from builder.engines.base import Served
from builder.engines.start import ModelFiles, start_engines
from builder.generate.generate import Means, Reports, Work, generate
from builder.recipe.resolve import Resolved, Source, resolve
from builder.release.release import Release, Selected, make_release
from builder.run.budget import budget_left
from builder.run.directory import RunDirectory
from builder.run.offer import offer
from builder.run.progress import Progress
from builder.run.record import RunRecord
from builder.select.duplicates import instruction_key
from builder.select.funnel import Funnel
from builder.select.rules import screen_of
from builder.select.selection import select


@dataclass(frozen=True)
class Built:
    """What a build ends with."""

    funnel: Funnel
    release: Release


def prepare(source: Source) -> Resolved:
    """Read a recipe, refuse what this version cannot build, and derive its template.

    Raises `RecipeError`, `UsageError`, `EngineError` or `TemplateError`.
    """
    return resolve(source, accept=lambda recipe: refuse_annotators(recipe.annotate))


def build(
    resolved: Resolved, run: RunDirectory, progress: Progress, budget: float | None = None
) -> Built:
    """Do the main job: start or resume the run, up to a finished release.

    `budget` is the time, in seconds of one GPU, that the run may use its engine for, all starts
    together.
    Raises `StopError` of every kind, and `KeyboardInterrupt` at Ctrl-C. Whatever it raises, the
    same call goes on where it stopped.
    """
    with run.lock():
        record = run.begin(offer(resolved))
        run.note("build", recipe=resolved.source.recipe, overrides=resolved.source.overrides)
        sample(resolved, run, record, Reports(progress, run.note, budget_left(run, budget)))
        progress.phase = "selecting"
        return release(resolved, run, record)


def filter_run(resolved: Resolved, run: RunDirectory) -> Built:
    """Select anew with the rules as the recipe has them now, and release. Samples nothing."""
    with run.lock():
        record = run.begin(offer(resolved))
        run.note("filter", recipe=resolved.source.recipe, overrides=resolved.source.overrides)
        return release(resolved, run, record)


def sample(resolved: Resolved, run: RunDirectory, record: RunRecord, reports: Reports) -> None:
    """Sample rows into the shards of the run, until its target is reached."""
    recipe = resolved.recipe
    reports.progress.aim(recipe.target.kept, recipe.target.sampled)
    work = Work(
        recipe=recipe,
        template=resolved.template,
        fingerprint=record.fingerprint,
        screen=screen_of(recipe),
        key=instruction_key,
    )
    bos = resolved.template.bos
    files = ModelFiles(resolved.model_folder, resolved.encode, resolved.base, run.log_path, bos)
    means = Means(partial(host, resolved, run), partial(start_engines, recipe.engine, files))
    generate(work, means, run.shards(record), reports)


@contextlib.contextmanager
def host(resolved: Resolved, run: RunDirectory) -> Iterator[Served]:
    """Have servers for the engines of a recipe: its endpoints, or containers of ours."""
    engine = resolved.recipe.engine
    yield Served(engine.endpoint)


def release(resolved: Resolved, run: RunDirectory, record: RunRecord) -> Built:
    """Select over all shards, and write the release."""
    shards = run.shards(record)
    funnel = select(shards, resolved.recipe, run.selection_path)
    found = run.record()
    origin = {"server": found.server, "preflight": found.preflight}
    selected = Selected(shards, run.selection_path, funnel.to_json(), origin)
    made = make_release(run.release_path, selected, resolved.recipe, resolved.template)
    run.note("released", rows=funnel.rows, kept=funnel.kept)
    return Built(funnel, made)
