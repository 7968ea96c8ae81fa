"""The main path, a stage a line; stages meet here and on disk, and none imports another.

recipe -> machine -> template -> run -> servers -> preflight
       -> rows (instruct, rules, annotate, rules, respond, rules) -> selection -> release
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from builder.engines.preflight.preflight import Preflight
from builder.generate.generate import Reports, generate
from builder.generate.means import embedding_server, means_of, work_of
from builder.recipe.compared import look_at_compared
from builder.recipe.resolve import Resolved, Source, resolve
from builder.recipe.schema import Recipe
from builder.release.release import Release, Selected, make_release
from builder.run.accounting import cost_of
from builder.run.budget import budget_left
from builder.run.directory import RunDirectory
from builder.run.offer import offer
from builder.run.progress import Progress
from builder.run.record import RunRecord
from builder.run.spent import spent
from builder.select.duplicates import instruction_key
from builder.select.funnel import Funnel
from builder.select.rules import screen_of
from builder.select.selection import select
from builder.server.hosting import hosted, refuse_unready


@dataclass(frozen=True)
class Built:
    """What a build ends with."""

    funnel: Funnel
    release: Release


def prepare(source: Source, run: RunDirectory) -> Resolved:
    """Read a recipe, refuse what this machine cannot build, and derive its template.

    Machine and data sets to compare with are looked at first, and only for rows that are to come.
    Raises `RecipeError`, `UsageError`, `PrerequisiteError` or `TemplateError`.
    """

    def accept(recipe: Recipe) -> None:
        if not run.holds_rows():
            refuse_unready(recipe, source, run.path)
            look_at_compared(recipe, source.base)

    return resolve(source, accept)


def build(
    resolved: Resolved,
    run: RunDirectory,
    progress: Progress,
    budget: float | None = None,
    show: Callable[[Preflight], None] = lambda _: None,
) -> Built:
    """Do the main job: start or resume the run, up to a finished release.

    `budget` is the time, in seconds of one GPU, that the run may use its engine for, all starts
    together. `show` gets what the preflight found. Raises `StopError` of every kind, and
    `KeyboardInterrupt` at Ctrl-C. Whatever it raises, the same call goes on where it stopped.
    """
    with run.lock():
        record = run.begin(offer(resolved))
        run.note("build", recipe=resolved.source.recipe, overrides=resolved.source.overrides)
        spare, before = 0, -1
        while True:
            left = budget_left(run, budget)
            sample(resolved, run, record, Reports(progress, run.note, left, found=show), spare)
            progress.phase = "selecting"
            funnel = select(run.shards(record), resolved.recipe, run.selection_path)
            if funnel.end is not None or progress.sampled == before:
                return release(resolved, run, funnel, progress)
            before, spare = progress.sampled, spare + funnel.missing  # near twins seen only now


def filter_run(resolved: Resolved, run: RunDirectory) -> Built:
    """Select anew with the rules as the recipe has them now, and release. Samples nothing."""
    with run.lock():
        record = run.begin(offer(resolved))
        run.note("filter", recipe=resolved.source.recipe, overrides=resolved.source.overrides)
        funnel = select(run.shards(record), resolved.recipe, run.selection_path)
        return release(resolved, run, funnel, Progress())


def sample(
    resolved: Resolved, run: RunDirectory, record: RunRecord, reports: Reports, spare: int = 0
) -> None:
    """Sample rows into the shards of the run, until its goal is reached, and `spare` more."""
    recipe = resolved.recipe
    reports.progress.aim(recipe.target.kept, recipe.target.sampled, spent(run))
    work = work_of(resolved, record, screen_of(recipe), instruction_key)

    def found(preflight: Preflight) -> None:
        if record.preflight is None:
            run.amend(preflight=preflight.to_json())
        reports.found(preflight)

    host = partial(hosted, resolved, run, reports.progress.tell)
    means = means_of(resolved, run.log_path, host)
    generate(replace(work, spare=spare), means, run.shards(record), replace(reports, found=found))


def release(resolved: Resolved, run: RunDirectory, funnel: Funnel, progress: Progress) -> Built:
    """Write the release of what was selected."""
    found, tell = run.record(), progress.tell
    shards, cost, told = run.shards(found), cost_of(run, funnel.kept), funnel.to_json()
    origin = {"server": found.server, "preflight": found.preflight, "cost": cost}
    base, reach = resolved.base, embedding_server
    selected = Selected(shards, run.selection_path, told, origin, base, reach)
    made = make_release(run.release_path, selected, resolved.recipe, resolved.template, tell)
    run.note("released", rows=funnel.rows, kept=funnel.kept)
    return Built(funnel, made)
