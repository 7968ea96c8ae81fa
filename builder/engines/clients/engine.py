"""The engine of a client process, made from what its parent tells of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from builder.engines.base import Engine
from builder.engines.openai.engine import PROTOCOL, OpenAIEngine, OpenAIInfo, Speech
from builder.engines.openai.prompts import Prompts, Tokenize, Way
from builder.engines.openai.trial import Trial
from builder.engines.remote.model import RemoteModel, open_server
from builder.engines.tgi.engine import tgi_engine
from builder.engines.tgi.info import TgiInfo
from builder.errors import TemplateError
from builder.recipe.engine_spec import OpenAIEngineSpec, TgiEngineSpec
from builder.recipe.tokenizer_files import read_tokenizer_files
from builder.recipe.tokens import encoder


def engine_of(settings: Mapping[str, Any]) -> Engine:
    """Return an engine that asks just what the parent's would, without asking about the server.

    `settings` are plain: `endpoint`, `bos`, `tokenizer` (a path or None), `spec` and `info`. Raises
    `UsageError` or `TemplateError` where the key or the tokenizer is not to be had here.
    """
    path = None if settings["tokenizer"] is None else Path(settings["tokenizer"])
    model = RemoteModel(settings["bos"], lambda: _tokenizer(path), path)
    endpoint, spec, info = (settings[name] for name in ("endpoint", "spec", "info"))
    encoded = msgspec.json.encode(spec)
    if spec["kind"] == "tgi":
        tgi = TgiEngineSpec.model_validate_json(encoded)
        return tgi_engine(endpoint, model, tgi, msgspec.convert(info, TgiInfo))
    openai = OpenAIEngineSpec.model_validate_json(encoded)
    return openai_engine(endpoint, model, openai, msgspec.convert(info, OpenAIInfo))


def openai_engine(
    endpoint: str, model: RemoteModel, spec: OpenAIEngineSpec, info: OpenAIInfo
) -> OpenAIEngine:
    """Return an engine for a server that was asked already. Raises `UsageError`."""
    encode = None if model.tokenizer_file is None else model.encode()
    prompts = Prompts(Way(info.prompts), model.bos, encode, info.prompts_checked)
    server, where = open_server(endpoint.rstrip("/").removesuffix("/v1"), spec, PROTOCOL)
    trial = Trial(server, where, spec.deadlines.first_token, info.model)
    speech = Speech(prompts, trial, Tokenize(trial, info.model))
    return OpenAIEngine(server, where, spec.deadlines, info, speech)


def _tokenizer(path: Path | None) -> Callable[[str], list[int]]:
    if path is None:
        raise TemplateError("a client process was told of no tokenizer.json")
    there = path if path.is_file() else None
    return encoder(read_tokenizer_files(str(path), "", {"tokenizer.json": there}.get))
