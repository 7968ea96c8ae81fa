"""What an embedding server is and takes, found by asking it, never by its name.

GET  /info                TEI: model, texts a request, requests at once
POST /embed               a text; where there is no such route:
GET  /v1/models, /props   name of the model; requests at once, of llama.cpp
POST /v1/embeddings       a text, with fewer fields each time that it is refused
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Any, Final

import msgspec

from builder.engines.embedding.route import OPTIONAL, TEI, Route, openai_route
from builder.engines.remote.asking import patiently
from builder.engines.remote.errors import Where, refusal
from builder.engines.remote.http import Answer, Server
from builder.errors import BrokenStreamError, EngineError

SAMPLE: Final = "Hello"

UNTOLD_BATCH: Final = 64
"""Texts a request for a server that tells no limit: OpenAI takes 2,048, vLLM and llama.cpp any."""

UNTOLD_SLOTS: Final = 1024
"""Requests at once for a server that tells no number: the pool finds it by what it measures."""

NO_EMBEDDINGS: Final = (
    "Does it serve an embedding model? vLLM needs --runner pooling, llama.cpp --embeddings and a "
    "--pooling other than none."
)

_REFUSED: Final = (400, 413, 422, 500, 501)
"""Statuses that say no to a request: to a field of it, or to embeddings at all."""

_NOWHERE: Final = (404, 405)


@dataclass(frozen=True)
class EmbeddingInfo:
    """What was found about a server. `width` is the length of its vectors, `batch` how many texts
    one request may hold, `revision` the commit of the model where it is told."""

    model: str
    revision: str | None
    path: str
    fields: Mapping[str, Any]
    width: int
    batch: int
    slots: int
    slots_told: bool

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values: no address, no key and no path is among them."""
        fields = {key: value for key, value in self.fields.items() if key != "model"}
        return asdict(self) | {"fields": fields}


@dataclass(frozen=True)
class _Told:
    """What a server says of itself, by names of `EmbeddingInfo`; None: not told."""

    model: str | None = None
    revision: str | None = None
    batch: int | None = None
    slots: int | None = None


class _TeiInfo(msgspec.Struct):
    """`GET /info` of TEI (its router/src/lib.rs, Info), of which `model_type` tells it from TGI."""

    model_id: str
    model_type: dict[str, Any]
    max_client_batch_size: int
    max_concurrent_requests: int
    model_sha: str | None = None


class Questions:
    """Asks a server, patiently. All methods raise `EngineError` where it refuses us or is away."""

    def __init__(self, server: Server, where: Where, seconds: float) -> None:
        self.where = where
        self._server = server
        self._seconds = seconds

    async def told(self, path: str) -> bytes:
        """What a path says; nothing where there is no such path."""

        async def ask() -> Answer:
            return await self._server.ask("GET", path, seconds=self._seconds)

        answer = await patiently(ask)
        return answer.body if answer.status == 200 else b""

    async def sample(self, route: Route) -> Answer:
        """The answer to one short text: a 200, a refusal of its fields, or no such route."""

        async def ask() -> Answer:
            body = route.body([SAMPLE])
            answer = await self._server.ask("POST", route.path, body, seconds=self._seconds)
            if answer.status in (200, *_REFUSED, *_NOWHERE):
                return answer
            raise refusal(self.where, answer)

        return await patiently(ask)

    def width(self, route: Route, answer: Answer) -> int:
        """How long the vector in an answer to the sample is."""
        try:
            lengths = [len(vector) for vector in route.read(self.where, answer).vectors]
        except BrokenStreamError as error:
            raise EngineError(error.message, mend=NO_EMBEDDINGS) from error
        if len(lengths) != 1 or not lengths[0]:
            raise EngineError(
                f"{self.where.address}{route.path} answered {len(lengths)} vectors to one text, "
                f"of widths {lengths}",
                mend=NO_EMBEDDINGS,
            )
        return lengths[0]


async def probe(asked: Questions, model: str | None) -> tuple[EmbeddingInfo, Route]:
    """Find out how to ask a server for vectors; `model` is the recipe's name for what it serves.

    Raises `EngineError` when it has no embeddings, or serves another model.
    """
    told = _of_tei(asked.where, await asked.told("/info"), model)
    route, answer = TEI, await asked.sample(TEI)
    if answer.status in _NOWHERE:
        told = await _of_others(asked, model)
        route, answer = await _openai(asked, told.model)
    if answer.status != 200:
        raise _no_embeddings(asked.where, answer)
    batch = told.batch or UNTOLD_BATCH
    info = EmbeddingInfo(
        model=_public(model or told.model or "unnamed"),
        revision=told.revision,
        path=route.path,
        fields=route.fields,
        width=asked.width(route, answer),
        batch=batch,
        slots=told.slots or UNTOLD_SLOTS,
        slots_told=told.slots is not None,
    )
    return info, route


def _of_tei(where: Where, body: bytes, wanted: str | None) -> _Told:
    """What `/info` of TEI says; nothing for another server's. Raises `EngineError`."""
    try:
        info = msgspec.json.decode(body, type=_TeiInfo)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Told()
    if "embedding" not in info.model_type:
        raise EngineError(
            f"{where.address} serves {info.model_id} as a {'/'.join(info.model_type)}, not as an "
            "embedding model",
            mend="Name the address of a server with an embedding model.",
        )
    path = PurePath(info.model_id).is_absolute()
    if wanted is not None and not path and wanted != info.model_id:
        raise EngineError(
            f"{where.address} serves {info.model_id}, the recipe names {wanted}",
            mend="Name the model that it serves, or the server that serves the model.",
        )
    # TEI counts the texts of a request one by one against its limit of requests.
    slots = max(1, info.max_concurrent_requests // info.max_client_batch_size)
    return _Told(info.model_id, info.model_sha, info.max_client_batch_size, slots)


async def _of_others(asked: Questions, wanted: str | None) -> _Told:
    """What `/v1/models`, and `/props` of llama.cpp, say."""
    data = _plain(await asked.told("/v1/models")).get("data")
    first = data[0] if isinstance(data, list) and data and isinstance(data[0], dict) else {}
    slots = _plain(await asked.told("/props")).get("total_slots")
    name = first.get("id")
    return _Told(
        model=wanted or (name if isinstance(name, str) else None),
        slots=slots if isinstance(slots, int) and slots > 0 else None,
    )


async def _openai(asked: Questions, model: str | None) -> tuple[Route, Answer]:
    """The route with the most optional fields that is taken, and the answer to it."""
    for optional in OPTIONAL:
        route = openai_route(model, optional)
        answer = await asked.sample(route)
        if answer.status not in _REFUSED:
            break
    return route, answer


def _no_embeddings(where: Where, answer: Answer) -> EngineError:
    if answer.status in _NOWHERE:
        said = f"{where.address} has neither /embed nor /v1/embeddings, or not of this model"
    else:
        said = "a short text gets no vector"
    return EngineError(f"{said}: {refusal(where, answer).message}", mend=NO_EMBEDDINGS)


def _plain(body: bytes) -> dict[str, Any]:
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return told if isinstance(told, dict) else {}


def _public(model: str) -> str:
    """A model's name; of a path only the last part, as llama.cpp calls a model by its file."""
    return PurePath(model).name if PurePath(model).is_absolute() else model
