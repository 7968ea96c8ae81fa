"""What an annotator uses while it works, over real engines, a real pool and real HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from builder.annotate.base import Reply, ServerOptions
from builder.annotate.reward import RewardOptions
from builder.engines.base import Completion, Engine, SamplingParams, Served
from builder.engines.chat.engine import connect_chat
from builder.engines.chat.turns import chat_params, chat_prompt
from builder.engines.openai.engine import connect_openai
from builder.engines.pool.pool import Pool
from builder.engines.scoring.conversation import SCORING, score_in, scoring_prompt
from builder.engines.scoring.engine import connect_scoring
from builder.recipe.engine_spec import OpenAIEngineSpec
from tests.engines.subjects import REMOTE_MODEL


class Asked:
    """A pool over one server, and the name of its model."""

    def __init__(self, engine: Engine, endpoint: str, model: str) -> None:
        self.model = model
        self._pool = Pool(engine, served=Served((endpoint,)))

    async def complete(self, prompt: str, params: SamplingParams) -> Completion:
        return await self._pool.complete(prompt, params)

    async def chat(self, turns: Sequence[tuple[str, str]], max_tokens: int) -> Reply:
        return _reply(await self.complete(chat_prompt(turns), chat_params(max_tokens)))

    async def score(self, instruction: str, response: str) -> float:
        done = await self.complete(scoring_prompt(instruction, response), SCORING)
        return score_in(done.text)

    async def write(self, prompt: str, max_tokens: int, stop: tuple[str, ...]) -> Reply:
        params = SamplingParams(0.0, 1.0, max_tokens, seed=0, stop=stop, whole=True)
        return _reply(await self.complete(prompt, params))


class ServedTools:
    """Tools with servers and nothing else. Leaving it closes the engines."""

    base = Path()
    seed = 0

    def __init__(self) -> None:
        self._open = AsyncExitStack()

    async def __aenter__(self) -> ServedTools:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._open.aclose()

    async def chat(self, server: ServerOptions) -> Asked:
        engine = await connect_chat(server.endpoint[0], spec_of(server))
        return self._asked(engine, server, engine.info.model)

    async def scorer(self, server: ServerOptions) -> Asked:
        template = server.template if isinstance(server, RewardOptions) else None
        engine = await connect_scoring(server.endpoint[0], spec_of(server), template)
        return self._asked(engine, server, engine.info.model)

    async def writer(self, server: ServerOptions) -> Asked:
        engine = await connect_openai(server.endpoint[0], REMOTE_MODEL, spec_of(server))
        return self._asked(engine, server, str(engine.info.model))

    def _asked(self, engine: Engine, server: ServerOptions, model: str) -> Asked:
        self._open.push_async_callback(engine.close)
        return Asked(engine, server.endpoint[0], model)


def spec_of(server: ServerOptions) -> OpenAIEngineSpec:
    return OpenAIEngineSpec(
        kind="openai",
        model=server.model,
        api_key_env=server.api_key_env,
        concurrency=server.concurrency,
    )


def _reply(completion: Completion) -> Reply:
    return Reply(completion.text, completion.finish_reason)
