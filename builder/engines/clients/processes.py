"""Engines behind an address in several processes, where one core is too little for the tokens.

Each process speaks to the servers as the plain engine would, and hands back whole completions.
This one is left with a line for each, so it has time for the rows. When that pays: `growth`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator

from builder.engines.base import Chunk, Engine, SamplingParams
from builder.engines.clients.child import Message
from builder.engines.clients.crew import Crew
from builder.engines.openai.engine import OpenAIEngine, OpenAIInfo, connect_openai
from builder.engines.openai.prompts import tokenizer_of
from builder.engines.remote.model import RemoteModel
from builder.engines.tgi.engine import TgiEngine, TgiInfo, connect_tgi
from builder.recipe.engine_spec import OpenAIEngineSpec, TgiEngineSpec


class ClientProcesses:
    """An engine whose requests a crew answers, or the engine itself while the crew has nobody."""

    def __init__(self, engine: TgiEngine | OpenAIEngine, settings: Message, crew: Crew) -> None:
        self.slots = engine.slots
        self.constrained = engine.constrained
        self.info: TgiInfo | OpenAIInfo = engine.info
        self.crew = crew
        self._engine = engine
        self._number = crew.join(settings)

    def stream(self, prompt: str, params: SamplingParams) -> AsyncGenerator[Chunk]:
        """See `Engine.stream`. A process's completion comes in one chunk, cut at its stops."""
        if self.crew.here:
            return self.crew.count(self._engine.stream(prompt, params))
        return self._asked(prompt, params)

    async def token_ids(self, prompt: str) -> list[int] | None:
        """See `TellsTokens`."""
        return await self._engine.token_ids(prompt)

    async def close(self) -> None:
        """See `Engine.close`."""
        await self.crew.leave(self._number)
        await self._engine.close()

    async def _asked(self, prompt: str, params: SamplingParams) -> AsyncGenerator[Chunk]:
        message = {"prompt": prompt, "params": dataclasses.asdict(params)}
        reply = await self.crew.ask(self._number, message)
        yield Chunk(reply["text"], reply["tokens"], reply["finish_reason"])


class CountingProcesses(ClientProcesses):
    """The same for a server that tells how many tokens a prompt has."""

    def __init__(self, engine: OpenAIEngine, settings: Message, crew: Crew) -> None:
        super().__init__(engine, settings, crew)
        self._counting = engine

    async def prompt_tokens(self, prompt: str) -> int | None:
        """See `CountsPrompts`."""
        return await self._counting.prompt_tokens(prompt)


async def connect_processes(
    endpoint: str,
    model: RemoteModel,
    spec: TgiEngineSpec | OpenAIEngineSpec,
    crew: Crew | None = None,
) -> Engine:
    """Return an engine for the server at `endpoint`, in as many processes as `spec` says.

    One is this process alone, and the plain engine. Engines of one run share a `crew`, made of
    their `client_processes`; None is a crew for this one. Raises what `connect_tgi` and
    `connect_openai` raise.
    """
    engine: TgiEngine | OpenAIEngine
    if isinstance(spec, TgiEngineSpec):
        engine = await connect_tgi(endpoint, model, spec)
    else:
        engine = await connect_openai(endpoint, model, spec)
    crew = crew or Crew(spec.client_processes)
    if crew.needless or _tied(engine, model):
        return engine
    settings = {
        "endpoint": endpoint,
        "bos": model.bos,
        "tokenizer": None if model.tokenizer_file is None else str(model.tokenizer_file),
        "spec": spec.model_dump(mode="json"),
        "info": dataclasses.asdict(engine.info),
    }
    if isinstance(engine, OpenAIEngine):
        return CountingProcesses(engine, settings, crew)
    return ClientProcesses(engine, settings, crew)


def _tied(engine: Engine, model: RemoteModel) -> bool:
    """Whether only this process can make the engine's requests: they need a tokenizer of which
    nobody says where it lies. A tgi engine can do without, and has the server count."""
    if model.tokenizer_file is not None or not isinstance(engine, OpenAIEngine):
        return False
    return tokenizer_of(model) is not None
