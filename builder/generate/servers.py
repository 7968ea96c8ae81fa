"""Servers that annotators name for themselves, each asked through a pool of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from builder.annotate.base import Chat, Embedder, Reply, Scorer, ServerOptions, Writer
from builder.engines.base import Completion, Engine, SamplingParams
from builder.engines.chat.engine import ChatEngine, connect_chat
from builder.engines.chat.turns import chat_params, chat_prompt
from builder.engines.embedding.embedder import pooled
from builder.engines.embedding.engine import EmbeddingEngine, connect_embedding
from builder.engines.openai.engine import OpenAIEngine, connect_openai
from builder.engines.remote.model import RemoteModel
from builder.engines.scoring.conversation import SCORING, score_in, scoring_prompt
from builder.engines.scoring.engine import ScoringEngine, connect_scoring
from builder.errors import EngineError, TemplateError
from builder.generate.record import Asks
from builder.recipe.engine_spec import OpenAIEngineSpec
from builder.text import writable

E = TypeVar("E", bound=Engine)

Connect = Callable[[str], Awaitable[Engine]]

Open = Callable[[str, ServerOptions, Connect], Awaitable[tuple[Asks, Sequence[Engine]]]]
"""Gives what asks the servers of an annotator, and their engines; it connects them when it must.

The first argument says what kind of server is meant: one address may serve several kinds.
"""


@dataclass(frozen=True)
class AskedModel:
    """A model behind a pool, under its name on the card: a chat, a base or a reward model."""

    asks: Asks
    model: str

    async def chat(self, turns: Sequence[tuple[str, str]], max_tokens: int) -> Reply:
        """See `Chat.chat`."""
        return _reply(await self.asks.complete(chat_prompt(turns), chat_params(max_tokens)))

    async def write(self, prompt: str, max_tokens: int, stop: tuple[str, ...]) -> Reply:
        """See `Writer.write`."""
        params = SamplingParams(0.0, 1.0, max_tokens, seed=0, stop=stop, whole=True)
        return _reply(await self.asks.complete(prompt, params))

    async def score(self, instruction: str, response: str) -> float:
        """See `Scorer.score`."""
        completion = await self.asks.complete(scoring_prompt(instruction, response), SCORING)
        return score_in(completion.text)


async def chat_model(opened: Open, server: ServerOptions) -> Chat:
    """A chat model behind a server. Raises `EngineError` where there is none."""

    async def connect(endpoint: str) -> Engine:
        return await connect_chat(endpoint, _spec(server))

    asks, engines = await opened("chat", server, connect)
    return AskedModel(asks, _one_model(engines, ChatEngine))


async def text_model(opened: Open, server: ServerOptions) -> Writer:
    """A base model behind a server: its prompts are plain texts, so it needs no tokenizer here."""

    def no_tokenizer() -> NoReturn:
        raise TemplateError("a base model is sent plain text")

    async def connect(endpoint: str) -> Engine:
        return await connect_openai(endpoint, RemoteModel("", no_tokenizer), _spec(server))

    asks, engines = await opened("text", server, connect)
    return AskedModel(asks, _one_model(engines, OpenAIEngine))


async def reward_model(opened: Open, server: ServerOptions) -> Scorer:
    """A reward model behind a server."""
    template = getattr(server, "template", None)

    async def connect(endpoint: str) -> Engine:
        return await connect_scoring(endpoint, _spec(server), template)

    asks, engines = await opened("reward", server, connect)
    return AskedModel(asks, _one_model(engines, ScoringEngine))


async def embedding_model(opened: Open, server: ServerOptions) -> Embedder:
    """An embedding model behind a server."""

    async def connect(endpoint: str) -> Engine:
        return await connect_embedding(endpoint, _spec(server), server.model)

    asks, engines = await opened("embedding", server, connect)
    return pooled(asks.complete, [one for one in engines if isinstance(one, EmbeddingEngine)])


def _one_model(
    engines: Sequence[Engine], kind: type[ChatEngine | OpenAIEngine | ScoringEngine]
) -> str:
    """The name of the model that all engines serve. Raises `EngineError` where they differ."""
    names = {str(engine.info.model) for engine in engines if isinstance(engine, kind)}
    if len(names) > 1:
        raise EngineError(
            f"the servers of one annotator serve different models: {', '.join(sorted(names))}",
            mend="Name servers of the same model, or give its name as `model`.",
        )
    return names.pop()


def _spec(server: ServerOptions) -> OpenAIEngineSpec:
    return OpenAIEngineSpec(
        kind="openai",
        model=server.model,
        api_key_env=server.api_key_env,
        concurrency=server.concurrency,
    )


def _reply(completion: Completion) -> Reply:
    return Reply(writable(completion.text), completion.finish_reason)
