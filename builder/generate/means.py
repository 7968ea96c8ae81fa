"""From a recipe with all that it points to, to what sampling is given; a server after sampling."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from functools import cache, partial
from pathlib import Path

from builder.annotate.base import Embedder, ServerOptions
from builder.engines.base import Engine, Served
from builder.engines.pool.pool import Pool
from builder.engines.preflight.preflight import Tokenizer
from builder.engines.start import may_change, model_files, start_engines, tokenizer_of
from builder.generate.resume import Screen
from builder.generate.work import JudgeMeans, Means, Work
from builder.recipe.annotators import asks_engine
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
        tokenizer=partial(_tokenizer, resolved),
        preflight=record.preflight is None or may_change(resolved.recipe.engine),
        base=resolved.base,
    )


def means_of(
    resolved: Resolved, log: Path, host: Callable[[], AbstractContextManager[Served]]
) -> Means:
    """The engines of a recipe and of its judge. `log` gets what those on this machine say."""
    start = partial(start_engines, resolved.recipe.engine, model_files(resolved, log))
    return Means(
        host,
        start if asks_engine(resolved.recipe) else _none,
        None if resolved.judge is None else _judge_means(resolved.judge, log),
        resolved.recipe.model.id,
    )


def _tokenizer(resolved: Resolved) -> Tokenizer | None:
    """The model's own tokenizer.

    Where rows exist already nothing has read the model's files so far, and an annotator that needs
    them should not go without: what hinders reading them is raised, as `TemplateError`.
    """
    unread = resolved.files is None and resolved.model_folder is None
    if unread and not asks_engine(resolved.recipe):
        return Tokenizer(resolved.encode(), resolved.special_texts())
    return tokenizer_of(resolved)


async def _none(served: Served) -> Sequence[Engine]:  # noqa: ARG001
    """No engines: nothing asks the recipe's own."""
    return ()


def _judge_means(judge: Resolved, log: Path) -> JudgeMeans:
    spec = judge.recipe.engine
    connect = partial(start_engines, spec, model_files(judge, log), Served(spec.endpoint))
    return JudgeMeans(
        template=judge.template,
        model=judge.recipe.model.id,
        connect=connect,
        endpoints=spec.endpoint,
        concurrency=spec.concurrency,
        tokenizer=cache(partial(tokenizer_of, judge)),
    )


@asynccontextmanager
async def embedding_server(server: ServerOptions) -> AsyncIterator[Embedder]:
    """The embedding model behind a server while the block runs, over a pool of its own.

    It is asked as in sampling, and its tokens are nobody's. Raises `EngineError` where it does not
    answer, or has no such model.
    """
    from builder.generate.servers import embedding_model

    engines: list[Engine] = []

    async def opened(
        kind: str,  # noqa: ARG001
        options: ServerOptions,
        connect: Callable[[str], Awaitable[Engine]],
    ) -> tuple[Pool, Sequence[Engine]]:
        for endpoint in options.endpoint:
            engines.append(await connect(endpoint))
        return Pool(engines, options.concurrency, Served(options.endpoint)), engines

    try:
        yield await embedding_model(opened, server)
    finally:
        await asyncio.gather(*(engine.close() for engine in engines))
