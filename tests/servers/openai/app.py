"""The routes of a server of `/v1/completions`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from tests.servers.authors import tokens
from tests.servers.faults import Fault
from tests.servers.log import RequestLog
from tests.servers.openai.dialects import Dialect
from tests.servers.openai.request import AnsweredError, Wanted, bad, read
from tests.servers.openai.writing import Piece, Writer
from tests.servers.sse import EventStream
from tests.servers.strike import WITHIN, hang_up, strike_body, strike_stream


@dataclass
class Service:
    """What stands behind the routes."""

    dialect: Dialect
    writer: Writer
    log: RequestLog
    model: str
    context: int
    api_key: str | None


SERVICE = web.AppKey("service", Service)

FAILED = AnsweredError(500, "InternalServerError", "EngineCore encountered an issue.")
AT_ONCE = {
    "overloaded": AnsweredError(429, "rate_limit_exceeded", "Too many requests"),
    "refused": AnsweredError(429, "rate_limit_exceeded", "Too many requests"),
    "generation": FAILED,
    "incomplete": FAILED,
    "unavailable": AnsweredError(503, "ServiceUnavailableError", "Server is unavailable"),
}


def make_app(service: Service) -> web.Application:
    app = web.Application(client_max_size=2**26, middlewares=[in_its_words])
    app[SERVICE] = service
    app.router.add_post("/v1/completions", completions)
    app.router.add_get("/v1/models", models)
    app.router.add_get("/health", health)
    if service.dialect.tokenizes:
        app.router.add_post("/tokenize", tokenize)
    return app


@web.middleware
async def in_its_words(request: web.Request, handler: Handler) -> web.StreamResponse:
    service = request.app[SERVICE]
    sent = request.headers.get("Authorization")
    if service.api_key and request.path.startswith("/v1") and sent != f"Bearer {service.api_key}":
        return web.json_response({"error": "Unauthorized"}, status=401)
    try:
        return await handler(request)
    except ConnectionError:  # the client hung up, or a fault did
        return web.Response()
    except AnsweredError as error:
        return web.json_response(error.body(service.dialect), status=error.status)


async def read_json(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except ValueError as error:
        raise bad(f"JSON decode error: {error}") from error
    if not isinstance(body, dict):
        raise bad("body: Input should be a valid dictionary")
    return body


async def completions(request: web.Request) -> web.StreamResponse:
    service, body = request.app[SERVICE], await read_json(request)
    wanted = read(body, service.dialect, service.model, service.context)
    fault = service.log.enter(request.path, body)
    if fault is not None and fault.kind in AT_ONCE:
        raise AT_ONCE[fault.kind]
    if fault is not None and fault.kind == "reset_before":
        return await hang_up(request)
    if fault is not None and fault.kind == "stall_first":
        await asyncio.sleep(fault.seconds)
    if wanted.stream:
        return await stream(request, wanted, fault)
    found = await whole(service, wanted)
    if fault is not None and fault.kind in WITHIN:
        if fault.kind == "error_event":
            raise FAILED
        return await strike_body(request, fault, found)
    return web.json_response(found)


async def whole(service: Service, wanted: Wanted) -> dict[str, Any]:
    choices, written = [], 0
    for index, prompt in enumerate(wanted.prompts):
        pieces = [piece async for piece in service.writer.pieces(prompt, wanted)]
        written += pieces[-1].tokens
        text = "".join(piece.text for piece in pieces)
        choices.append(_choice(service.dialect, index, text, pieces[-1]))
    found = {**_frame(service), "choices": choices}
    if service.dialect.usage != "never":
        found["usage"] = _usage(wanted, written)
    return found


async def stream(request: web.Request, wanted: Wanted, fault: Fault | None) -> web.StreamResponse:
    """Write chunk after chunk, and let the fault strike after some of them."""
    dialect = request.app[SERVICE].dialect
    within = fault if fault is not None and fault.kind in WITHIN else None
    response = EventStream({})
    await response.prepare(request)
    sent = 0
    async with contextlib.aclosing(chunks(request.app[SERVICE], wanted)) as events:
        async for chunk, last in events:
            if within is not None and (sent == within.after or last):
                error = _event(FAILED.body(dialect))
                if not await strike_stream(request, response, within, error):
                    return response
                within = None
            await response.write(chunk)
            sent += 1
    return response


async def chunks(service: Service, wanted: Wanted) -> AsyncGenerator[tuple[bytes, bool]]:
    """Each chunk, and whether it is the last one of a text."""
    written, frame = 0, _frame(service)
    try:
        for index, prompt in enumerate(wanted.prompts):
            async with contextlib.aclosing(service.writer.pieces(prompt, wanted)) as pieces:
                async for piece in pieces:
                    if piece.reason is not None:
                        written += piece.tokens
                    elif not piece.text:
                        continue
                    choice = _choice(service.dialect, index, piece.text, piece)
                    yield _event({**frame, "choices": [choice]}), piece.reason is not None
        if wanted.usage:
            figures = {**frame, "choices": [], "usage": _usage(wanted, written)}
            yield _event(figures), False
    except AnsweredError as error:
        yield _event(error.body(service.dialect)), False
    yield b"data: [DONE]\n\n", False


def _event(data: dict[str, Any]) -> bytes:
    """With a blank after the colon, unlike TGI."""
    return f"data: {json.dumps(data)}\n\n".encode()


def _frame(service: Service) -> dict[str, Any]:
    return {
        "id": "cmpl-0",
        "object": "text_completion",
        "created": int(time.time()),
        "model": service.model,
    }


def _choice(dialect: Dialect, index: int, text: str, piece: Piece) -> dict[str, Any]:
    reason = piece.reason if dialect.finish_reason else None
    choice = {"index": index, "text": text, "logprobs": None, "finish_reason": reason}
    if dialect.stop_field == "stop_reason":  # null for an end-of-turn token of the configuration
        choice["stop_reason"] = piece.stopped_by if isinstance(piece.stopped_by, str) else None
    elif dialect.stop_field is not None:
        choice[dialect.stop_field] = piece.stopped_by
    return choice


def _usage(wanted: Wanted, written: int) -> dict[str, int]:
    asked = sum(map(len, wanted.prompts))
    both = {"prompt_tokens": asked, "completion_tokens": written}
    return {**both, "total_tokens": asked + written}


async def tokenize(request: web.Request) -> web.Response:
    """vLLM's: the ids of a text, with a BOS unless it is told otherwise."""
    service, body = request.app[SERVICE], await read_json(request)
    if not isinstance(body.get("prompt"), str):
        raise bad("body -> prompt: Field required")
    added = service.dialect.bos != "asked" or bool(body.get("add_special_tokens", True))
    ids = tokens().encode(body["prompt"], special=added)
    return web.json_response(
        {"count": len(ids), "max_model_len": service.context, "tokens": ids, "token_strs": None}
    )


async def models(request: web.Request) -> web.Response:
    service = request.app[SERVICE]
    one = {
        "id": service.model,
        "object": "model",
        "created": int(time.time()),
        "owned_by": service.dialect.owner,
        "root": service.model,
        "parent": None,
        "max_model_len": service.context,
    }
    return web.json_response({"object": "list", "data": [one]})


async def health(request: web.Request) -> web.Response:
    return web.Response()
