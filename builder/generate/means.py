"""From a recipe with all that it points to, to what sampling is given."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from builder.engines.base import Served
from builder.engines.start import may_change, model_files, start_engines, tokenizer_of
from builder.generate.resume import Screen
from builder.generate.work import JudgeMeans, Means, Work
from builder.recipe.resolve import Resolved
from builder.run.record import RunRecord


def work_of(
    resolved: Resolved, record: RunRecord, screen: Screen, key: Callable[[str], bytes]
) -> Work:
    """What is to be sampled for a run; `screen` and `key` are those of selecting."""
    return Work(
        recipe=resolved.recipe,
        template=resolved.template,
        fingerprint=record.fingerprint,
        screen=screen,
        key=key,
        tokenizer=partial(tokenizer_of, resolved),
        preflight=record.preflight is None or may_change(resolved.recipe.engine),
        base=resolved.base,
    )


def means_of(
    resolved: Resolved, log: Path, host: Callable[[], AbstractContextManager[Served]]
) -> Means:
    """The engines of a recipe and of its judge. `log` gets what those on this machine say."""
    return Means(
        host,
        partial(start_engines, resolved.recipe.engine, model_files(resolved, log)),
        None if resolved.judge is None else _judge_means(resolved.judge, log),
        resolved.recipe.model.id,
    )


def _judge_means(judge: Resolved, log: Path) -> JudgeMeans:
    spec = judge.recipe.engine
    connect = partial(start_engines, spec, model_files(judge, log), Served(spec.endpoint))
    return JudgeMeans(
        template=judge.template,
        model=judge.recipe.model.id,
        connect=connect,
        endpoints=spec.endpoint,
        concurrency=spec.concurrency,
        tokenizer=partial(tokenizer_of, judge),
    )
