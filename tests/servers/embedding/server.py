"""An embedding server in a thread of the test."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import math
import random
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from aiohttp import web

from tests.servers.embedding.dialects import TEI, Dialect
from tests.servers.faults import Plan
from tests.servers.log import RequestLog, injected
from tests.servers.serving import ServerThread
from tests.servers.strike import WITHIN, hang_up, strike_body

SHA = "84f2bcc00d77236f9e89c8a360a00fb1139bf47d"


def vector_of(text: str, width: int) -> list[float]:
    """The vector of a text, as float32: it follows from the text alone. "nan" in it has a NaN."""
    draw = random.Random(hashlib.sha256(text.encode()).digest())
    values = [draw.gauss(0, 1) for _ in range(width)]
    if "nan" in text:
        values[0] = math.nan
    packed = struct.pack(f"<{width}f", *values)
    return list(struct.unpack(f"<{width}f", packed))


class EmbeddingServer(ServerThread):
    """See `embedding_server`. `width` and `missing`, vectors that it leaves out, may be changed."""

    def __init__(self, dialect: Dialect, faults: Plan | None, width: int, key: str | None) -> None:
        super().__init__(self._made)
        self.dialect = dialect
        self.width = width
        self.missing = 0
        self._key = key
        self._log = RequestLog(faults)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [one.body for one in self._log.asked]

    @property
    def injected(self) -> Counter[str]:
        return injected(self._log.asked)

    def _made(self) -> tuple[web.Application, Callable[[], None]]:
        app = web.Application(client_max_size=2**26)
        app.router.add_post(self.dialect.path, self._embed)
        if self.dialect.tei:
            app.router.add_get("/info", self._info)
            app.router.add_get("/health", self._health)
        else:
            app.router.add_get("/v1/models", self._models)
        return app, lambda: None

    async def _info(self, _: web.Request) -> web.Response:
        told = self.dialect
        detail = {"pooling": "mean"} if told.serves == "embedding" else {"id2label": {"0": "LABEL"}}
        return web.json_response(
            {
                "model_id": told.model,
                "model_sha": SHA,
                "model_dtype": "float16",
                "model_type": {told.serves: detail},
                "max_concurrent_requests": told.concurrent,
                "max_input_length": told.longest,
                "max_batch_tokens": 16384,
                "max_batch_requests": None,
                "max_client_batch_size": told.batch,
                "auto_truncate": False,
                "tokenization_workers": 4,
                "version": "1.8.2",
                "sha": None,
                "docker_label": None,
            }
        )

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response()

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": self.dialect.model}]})

    async def _embed(self, request: web.Request) -> web.StreamResponse:
        if self._key and request.headers.get("authorization") != f"Bearer {self._key}":
            return self.dialect.refuse(401, "authentication_error", "Unauthorized")
        body = await request.json()
        fault = self._log.enter(request.path, body)
        if fault is not None and fault.kind not in WITHIN:
            return await self._strike(request, fault.kind, fault.seconds)
        refusal = self._refusal(body)
        if refusal is not None:
            return refusal
        answer, tokens = self._answer(body)
        if fault is not None:
            return await strike_body(request, fault, answer)
        headers = {"x-compute-tokens": str(tokens)} if self.dialect.tei else {}
        return web.json_response(answer, headers=headers)

    async def _strike(self, request: web.Request, kind: str, seconds: float) -> web.StreamResponse:
        if kind == "reset_before":
            return await hang_up(request)
        if kind == "stall_first":
            await asyncio.sleep(seconds)
        tei = self.dialect.tei
        status, named, said = {
            "overloaded": (429, "Overloaded", "Model is overloaded"),
            "refused": (429, "Overloaded", "Model is overloaded"),
            "unavailable": (503, "Unhealthy", "unhealthy"),
        }.get(kind, (424 if tei else 500, "Backend", "inference failed"))
        return self.dialect.refuse(status, named, said)

    def _refusal(self, body: dict[str, Any]) -> web.Response | None:
        told, texts = self.dialect, body[self.dialect.field]
        for unknown in sorted(set(body) - told.optional - {told.field}):
            return told.refuse(400, "invalid_request_error", f"Unknown parameter: '{unknown}'.")
        if told.serves != "embedding":
            return told.refuse(424, "Backend", "Model is not an embedding model")
        if len(texts) > told.batch:
            said = f"batch size {len(texts)} > maximum allowed batch size {told.batch}"
            return told.refuse(413, "Validation", said)
        for text in texts:
            words = len(text.split())
            if words > told.longest and not told.cuts(body):
                said = f"`inputs` must have less than {told.longest} tokens. Given: {words}"
                return told.refuse(413 if told.tei else 400, "Validation", said)
            if "unspeakable" in text:
                return told.refuse(422, "Tokenizer", "tokenization failed")
        return None

    def _answer(self, body: dict[str, Any]) -> tuple[Any, int]:
        texts = [" ".join(t.split()[: self.dialect.longest]) for t in body[self.dialect.field]]
        vectors = [vector_of(text, self.width) for text in texts][self.missing :]
        tokens = sum(len(text.split()) for text in texts)
        if self.dialect.tei:
            return [[None if math.isnan(x) else x for x in one] for one in vectors], tokens
        as_base64 = body.get("encoding_format") == "base64"
        data = [
            {"object": "embedding", "index": at, "embedding": _base64(one) if as_base64 else one}
            for at, one in enumerate(vectors)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        model = self.dialect.model
        # The order is the index's, not that of the list.
        return {"object": "list", "data": data[::-1], "model": model, "usage": usage}, tokens


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


@contextlib.contextmanager
def embedding_server(
    dialect: Dialect = TEI,
    faults: Plan | None = None,
    *,
    width: int = 8,
    api_key: str | None = None,
) -> Iterator[EmbeddingServer]:
    """A server that speaks a dialect. A text with "unspeakable" in it is refused, and its batch."""
    server = EmbeddingServer(dialect, faults, width, api_key)
    server.start()
    try:
        yield server
    finally:
        server.stop()
