"""From a recipe's engine section to engines that serve."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.engines.base import Engine, Served
from builder.engines.embedded import DEFAULT_SLOTS, EmbeddedEngine, Encode, LlamaSettings
from builder.engines.preflight.preflight import Tokenizer
from builder.engines.remote.model import RemoteModel
from builder.engines.scripted import ScriptedEngine
from builder.errors import EngineError, TemplateError
from builder.recipe.resolve import Resolved
from builder.recipe.schema import (
    EmbeddedEngineSpec,
    EngineSpec,
    NoEngineSpec,
    OpenAIEngineSpec,
    ScriptedEngineSpec,
    TgiEngineSpec,
)


@dataclass(frozen=True)
class ModelFiles:
    """What an engine may need of a model.

    `folder` is where its files lie, None for a model on the Hub. `encode` gives what turns a
    prompt into token ids, `bos` is the begin-of-text token of the template. Paths in the recipe
    are relative to `base`. `log` is the file for what the engine says, `tokenizer` the model's
    tokenizer.json.
    """

    folder: Path | None
    encode: Callable[[], Encode]
    base: Path
    log: Path | None = None
    bos: str = ""
    tokenizer: Path | None = None


def model_files(resolved: Resolved, log: Path) -> ModelFiles:
    """What the engines of a recipe may need of its model; `log` gets what they say."""
    return ModelFiles(
        folder=resolved.model_folder,
        encode=resolved.encode,
        base=resolved.base,
        log=log,
        bos=resolved.template.bos,
        tokenizer=resolved.files.tokenizer if resolved.files else None,
    )


def tokenizer_of(resolved: Resolved) -> Tokenizer | None:
    """The model's own tokenizer; None where it has none, or nothing needed its files so far."""
    if resolved.files is None and resolved.model_folder is None:
        return None  # a recipe that gives its whole template needs no Hub
    try:
        return Tokenizer(resolved.encode(), resolved.special_texts())
    except TemplateError:
        return None


def may_change(spec: EngineSpec) -> bool:
    """Whether what serves a run may be another one when it goes on: a server behind an address."""
    return isinstance(spec, TgiEngineSpec | OpenAIEngineSpec)


async def start_engines(spec: EngineSpec, files: ModelFiles, served: Served) -> Sequence[Engine]:
    """Return the engines of a recipe: one an endpoint, the one that needs none, or no engine.

    Raises `EngineError`, `UsageError` or `MissingExtraError`.
    """
    if isinstance(spec, TgiEngineSpec | OpenAIEngineSpec):
        from builder.engines.clients.crew import Crew  # slow to import
        from builder.engines.clients.processes import connect_processes

        model, crew = (
            RemoteModel(files.bos, files.encode, files.tokenizer),
            Crew(spec.client_processes),
        )
        connecting = [connect_processes(url, model, spec, crew) for url in served.endpoints]
        return await _connected(connecting)
    if isinstance(spec, NoEngineSpec):
        return []
    return [start_local(spec, files)]


def start_local(spec: EmbeddedEngineSpec | ScriptedEngineSpec, files: ModelFiles) -> Engine:
    """Return an engine of this machine. Raises `EngineError` or `MissingExtraError`."""
    if isinstance(spec, ScriptedEngineSpec):
        trace = files.base / spec.trace if spec.trace else None
        return ScriptedEngine(slots=spec.concurrency or 16, delay=spec.delay, trace=trace)
    settings = LlamaSettings(
        model=_model_file(spec, files),
        slots=spec.concurrency or DEFAULT_SLOTS,
        context=spec.context,
        threads=spec.threads,
        log=files.log,
    )
    return EmbeddedEngine(settings, files.encode())


async def _connected(connecting: Sequence[Coroutine[None, None, Engine]]) -> Sequence[Engine]:
    """All engines, or none: where one cannot be had, the others are closed again."""
    found = await asyncio.gather(*connecting, return_exceptions=True)
    failures = [one for one in found if isinstance(one, BaseException)]
    engines = [one for one in found if not isinstance(one, BaseException)]
    if failures:
        await asyncio.gather(*(engine.close() for engine in engines))
        raise failures[0]
    return engines


def _model_file(spec: EmbeddedEngineSpec, files: ModelFiles) -> Path:
    if spec.model_file is not None:
        return files.base / spec.model_file
    found = sorted(files.folder.glob("*.gguf")) if files.folder else []
    if len(found) == 1:
        return found[0]
    where = files.folder or "the Hub"
    raise EngineError(
        f"the embedded engine needs one GGUF file, and {where} offers {len(found)}",
        mend="Name the file: --set engine.model_file=PATH",
    )
