"""From a recipe's engine section to an engine that serves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from builder.engines.base import Engine
from builder.engines.embedded import DEFAULT_SLOTS, EmbeddedEngine, Encode, LlamaSettings
from builder.engines.scripted import ScriptedEngine
from builder.errors import EngineError
from builder.recipe.schema import EmbeddedEngineSpec, EngineSpec, ScriptedEngineSpec

SERVED = ("embedded", "scripted")
"""Kinds of engine that this version can start. Recipes for the others can be read and checked."""


@dataclass(frozen=True)
class ModelFiles:
    """What an engine may need of a model.

    `folder` is where its files lie, None for a model on the Hub. `encode` gives what turns a
    prompt into token ids. Paths in the recipe are relative to `base`. `log` is the file for what
    the engine says.
    """

    folder: Path | None
    encode: Callable[[], Encode]
    base: Path
    log: Path | None = None


def unserved(kind: str) -> EngineError:
    """What is said of a kind of engine that this version cannot start."""
    return EngineError(
        f"engine {kind!r} is not part of this version, which has {' and '.join(SERVED)}",
        mend="The recipe itself is fine. `--engine scripted` rehearses it without a model.",
    )


def start_engine(spec: EngineSpec, files: ModelFiles) -> Engine:
    """Return the engine of a recipe. Raises `EngineError` or `MissingExtraError`."""
    if isinstance(spec, ScriptedEngineSpec):
        trace = files.base / spec.trace if spec.trace else None
        return ScriptedEngine(slots=spec.concurrency or 16, delay=spec.delay, trace=trace)
    if isinstance(spec, EmbeddedEngineSpec):
        settings = LlamaSettings(
            model=_model_file(spec, files),
            slots=spec.concurrency or DEFAULT_SLOTS,
            context=spec.context,
            threads=spec.threads,
            log=files.log,
        )
        return EmbeddedEngine(settings, files.encode())
    raise unserved(spec.kind)


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
