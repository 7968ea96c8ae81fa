"""The main path: from a recipe to a release, a stage a line.

    recipe -> template -> run -> rows (instruct, screen, respond, screen) -> selection -> release

Stages meet here and on disk; none imports another.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from builder.annotate.served import refuse_unserved as refuse_annotators
from builder.engines.start import SERVED, ModelFiles, start_engine, unserved
from builder.generate.generate import Reports, Work, generate
from builder.recipe.resolve import Resolved, Source, resolve
from builder.recipe.schema import Recipe
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
    return resolve(source, accept=refuse_unserved)


def refuse_unserved(recipe: Recipe) -> None:
    """Raise when this version lacks the engine or an annotator of a recipe."""
    if recipe.engine.kind not in SERVED:
        raise unserved(recipe.engine.kind)
    refuse_annotators(recipe.annotate)


def build(
    resolved: Resolved, run: RunDirectory, progress: Progress, budget: float | None = None
) -> Built:
    """Do the main job: start or resume the run, up to a finished release.

    `budget` is the time, in seconds, that the run may use its engine for, all starts together.
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
    files = ModelFiles(resolved.model_folder, resolved.encode, resolved.base, run.log_path)
    start = partial(start_engine, recipe.engine, files)
    generate(work, start, run.shards(record), reports)


def release(resolved: Resolved, run: RunDirectory, record: RunRecord) -> Built:
    """Select over all shards, and write the release."""
    shards = run.shards(record)
    funnel = select(shards, resolved.recipe, run.selection_path)
    selected = Selected(shards, run.selection_path, funnel.to_json())
    made = make_release(run.release_path, selected, resolved.recipe, resolved.template)
    run.note("released", rows=funnel.rows, kept=funnel.kept)
    return Built(funnel, made)
