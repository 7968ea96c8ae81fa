"""What is to be done, by what means, and who is told: what sampling a run is given."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from builder.engines.base import Engine, Served
from builder.engines.preflight.preflight import Preflight, Tokenizer
from builder.generate.resume import Screen
from builder.recipe.goal import Goal, goal_of
from builder.recipe.schema import Recipe
from builder.recipe.template import PromptTemplate
from builder.run.progress import Progress


@dataclass(frozen=True)
class Work:
    """What is to be sampled. `fingerprint` is the run's; `key` tells equal instructions.

    `tokenizer` gives the model's own, None where it has none that can be read. `preflight` says
    whether the engines are to be tried before the first row. Paths in the recipe are relative to
    `base`. `spare` rows more than the recipe says are to pass its rules: selecting found that so
    many of those that did were near twins after all.
    """

    recipe: Recipe
    template: PromptTemplate
    fingerprint: str
    screen: Screen
    key: Callable[[str], bytes]
    tokenizer: Callable[[], Tokenizer | None] = lambda: None
    preflight: bool = True
    base: Path = Path()
    spare: int = 0

    @property
    def goal(self) -> Goal:
        """When there is enough."""
        goal = goal_of(self.recipe)
        return replace(goal, kept=goal.kept + self.spare) if goal.kept and self.spare else goal


@dataclass(frozen=True)
class Reports:
    """Who is told of what happens: the progress that people see, and the run's events.

    `gpu_seconds` is the time that the engine may still be used for, times its GPUs; None: any.
    `gpus` is how many those are, 1 where there is none. `found` is told of the preflight.
    """

    progress: Progress
    note: Callable[..., None]
    gpu_seconds: float | None = None
    gpus: int = 1
    found: Callable[[Preflight], None] = lambda _: None


@dataclass(frozen=True)
class JudgeMeans:
    """A judge that is another model: its template, its name, and where its engines come from."""

    template: PromptTemplate
    model: str
    connect: Callable[[], Awaitable[Sequence[Engine]]]
    endpoints: tuple[str, ...]
    concurrency: int | None
    tokenizer: Callable[[], Tokenizer | None]


@dataclass(frozen=True)
class Means:
    """Where engines come from, asked only when rows are to be sampled.

    `host` starts the servers that are needed and stops them at the end; `connect` gives the
    engines that speak to them, one an endpoint. `judge` is None where the recipe's own model
    judges. `model` is that model's name on the card.
    """

    host: Callable[[], AbstractContextManager[Served]]
    connect: Callable[[Served], Awaitable[Sequence[Engine]]]
    judge: JudgeMeans | None = None
    model: str = ""


def local(start: Callable[[], Engine]) -> Means:
    """The means of one engine that needs no server."""

    async def connect(served: Served) -> Sequence[Engine]:  # noqa: ARG001
        return [start()]

    return Means(lambda: contextlib.nullcontext(Served()), connect)
