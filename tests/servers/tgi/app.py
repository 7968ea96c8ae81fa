"""TGI's web server: the routes, and what every answer has in common."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from tests.servers.authors import tokens
from tests.servers.log import RequestLog
from tests.servers.tgi.body import UnreadableError, read_inputs, read_object
from tests.servers.tgi.completions import completions
from tests.servers.tgi.exchange import KEEP_ALIVE, LOG, MODEL, UNAVAILABLE
from tests.servers.tgi.generate import compat, generate, generate_stream
from tests.servers.tgi.model import Model, metrics_text
from tests.servers.tgi.validation import RefusalError

LARGEST_BODY = 2_000_000
"""Bytes; the router's payload limit."""


def make_app(model: Model, log: RequestLog, keep_alive: float = 15.0) -> web.Application:
    """`keep_alive` is the number of seconds between a stream's empty comments."""
    app = web.Application(client_max_size=LARGEST_BODY, middlewares=[in_tgis_words])
    app[MODEL], app[LOG], app[KEEP_ALIVE] = model, log, keep_alive
    app.router.add_post("/", compat)
    app.router.add_post("/generate", generate)
    app.router.add_post("/generate_stream", generate_stream)
    app.router.add_post("/v1/completions", completions)
    app.router.add_post("/tokenize", tokenize)
    app.router.add_post("/chat_tokenize", chat_tokenize)
    app.router.add_get("/health", health)
    app.router.add_get("/info", info)
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/v1/models", models)
    return app


@web.middleware
async def in_tgis_words(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what a handler raises into TGI's answers, and ask for the key where there is one."""
    key = request.app[MODEL].limits.api_key
    sent = request.headers.get("Authorization", "").lower()
    if key and request.method == "POST" and sent != f"bearer {key.lower()}":
        return web.Response(status=401)
    try:
        return await handler(request)
    except UnreadableError as error:
        return web.Response(status=error.status, text=str(error))
    except ConnectionError:  # the client hung up, or a fault did
        return web.Response()
    except RefusalError as refusal:
        request.app[MODEL].figures.failure[refusal.error_type] += 1
        return web.json_response(refusal.body(), status=refusal.status)


async def tokenize(request: web.Request) -> web.Response:
    """The tokens of a text as `generate` gets it, special ones added."""
    body = await read_object(request)
    text = read_inputs(body)
    added = body.get("add_special_tokens", True)
    return web.json_response(simple_tokens(text, special=bool(added)))


def simple_tokens(text: str, *, special: bool) -> list[dict[str, Any]]:
    return [
        {"id": number, "text": text[start:stop], "start": start, "stop": stop}
        for number, start, stop in tokens().pieces(text, special=special)
    ]


async def chat_tokenize(request: web.Request) -> web.Response:
    raise RefusalError(404, "template_error", "Template error: template not found")


async def health(request: web.Request) -> web.Response:
    if not request.app[MODEL].healthy:
        raise UNAVAILABLE
    return web.Response()


async def info(request: web.Request) -> web.Response:
    return web.json_response(request.app[MODEL].limits.info())


async def metrics(request: web.Request) -> web.Response:
    return web.Response(text=metrics_text(request.app[MODEL].figures))


async def models(request: web.Request) -> web.Response:
    name = request.app[MODEL].limits.model_id
    one = {"id": name, "object": "model", "created": 0, "owned_by": name}
    return web.json_response({"object": "list", "data": [one]})
