"""What annotators work with: judges, servers, a tokenizer, each in the name of one stage."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from builder.annotate.base import Chat, Embedder, Judge, Scorer, ServerOptions, Writer
from builder.engines.base import Engine, Served
from builder.engines.pool.pool import Pool
from builder.engines.preflight.preflight import Tokenizer
from builder.errors import EngineError
from builder.generate.asking import Asking, counter
from builder.generate.judging import PoolJudge
from builder.generate.meter import Meter
from builder.generate.pools import Pools
from builder.generate.work import Means, Work

Connect = Callable[[str], Awaitable[Engine]]


class Toolbox:
    """The tools of a run. Engines and pools are made when an annotator first asks for them."""

    def __init__(self, work: Work, means: Means, pools: Pools, meter: Meter) -> None:
        self.work = work
        self.means = means
        self.pools = pools
        self.meter = meter
        self._engines: list[Engine] = []
        self._judges: Pool | None = None
        self._servers: dict[object, tuple[Pool, Sequence[Engine]]] = {}
        self._opening = asyncio.Lock()

    def of(self, stage: str) -> StageTools:
        """The tools that one stage gets."""
        return StageTools(self, stage)

    async def judge_pool(self) -> Pool:
        """The pool of the judge: the recipe's own, or that of another model."""
        means = self.means.judge
        if means is None:
            if self.pools.main is None:
                raise EngineError(
                    "the judges need a model, and this recipe has no engine",
                    mend="Name one: judge: {model: ..., engine: ...}",
                )
            return self.pools.main
        async with self._opening:
            if self._judges is None:
                engines = await means.connect()
                self._engines += engines
                served = Served(means.endpoints)
                self._judges = Pool(engines, means.concurrency, served)
                self.pools.join(self._judges)
        return self._judges

    async def server_pool(
        self, kind: str, server: ServerOptions, connect: Connect
    ) -> tuple[Pool, Sequence[Engine]]:
        """The pool of the servers that an annotator names; equal ones share it."""
        wanted = (kind, server.model_dump_json())
        async with self._opening:
            if wanted not in self._servers:
                engines: list[Engine] = []
                for endpoint in server.endpoint:
                    engines.append(await connect(endpoint))
                    self._engines.append(engines[-1])
                pool = Pool(engines, server.concurrency, Served(server.endpoint))
                self._servers[wanted] = pool, engines
                self.pools.join(pool)
        return self._servers[wanted]

    async def close(self) -> None:
        """Let go of all that was opened."""
        await asyncio.gather(*(engine.close() for engine in self._engines))


class StageTools:
    """See `annotate.base.Tools`."""

    def __init__(self, box: Toolbox, stage: str) -> None:
        self._box = box
        self._stage = stage
        self.base: Path = box.work.base
        self.seed = box.work.recipe.seed

    async def judge(self) -> Judge:
        """See `Tools.judge`."""
        box, means = self._box, self._box.means.judge
        pool = await box.judge_pool()
        tokenizer = box.work.tokenizer() if means is None else means.tokenizer()
        count = counter(tokenizer.encode if tokenizer else None)
        asks = Asking(self._stage, pool, box.meter, count, own=means is None)
        if means is None:
            return PoolJudge(asks, box.work.template, box.means.model, pool.constrained)
        return PoolJudge(asks, means.template, means.model, pool.constrained)

    async def chat(self, server: ServerOptions) -> Chat:
        """See `Tools.chat`."""
        from builder.generate.servers import chat_model

        return await chat_model(self._asking, server)

    async def writer(self, server: ServerOptions) -> Writer:
        """See `Tools.writer`."""
        from builder.generate.servers import text_model

        return await text_model(self._asking, server)

    async def scorer(self, server: ServerOptions) -> Scorer:
        """See `Tools.scorer`."""
        from builder.generate.servers import reward_model

        return await reward_model(self._asking, server)

    async def embedder(self, server: ServerOptions) -> Embedder:
        """See `Tools.embedder`."""
        from builder.generate.servers import embedding_model

        return await embedding_model(self._asking, server)

    def tokenizer(self) -> Callable[[str], list[int]] | None:
        """See `Tools.tokenizer`."""
        found: Tokenizer | None = self._box.work.tokenizer()
        return found.encode if found else None

    def data_files(self, name: str) -> Sequence[Path]:
        """See `Tools.data_files`."""
        from builder.recipe.data_files import data_files

        return data_files(name, self.base).paths

    async def _asking(
        self, kind: str, server: ServerOptions, connect: Connect
    ) -> tuple[Asking, Sequence[Engine]]:
        pool, engines = await self._box.server_pool(kind, server, connect)
        return Asking(self._stage, pool, self._box.meter, own=False), engines
