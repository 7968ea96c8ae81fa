"""The fast client beside the stock one, on the same server: requests, types, errors."""

import asyncio
import contextlib
import gc
import json
import warnings

import pytest
from aiohttp import web
from huggingface_hub import AsyncInferenceClient

from builder.engines.tgi.inference_client import FastInferenceClient
from tests.servers.authors import ScriptedAuthor
from tests.servers.faults import FaultPlan
from tests.servers.serving import ServerThread, serving
from tests.servers.tgi import tgi_server

CLIENTS = (AsyncInferenceClient, FastInferenceClient)
NOT_OURS = {"accept-encoding", "connection", "x-amzn-trace-id"}
"""Headers about the connection, and the id that is another one for each request."""


@pytest.fixture(autouse=True)
def online(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


def both(url, work, **options):
    """What `work(client)` returns with the stock client and with ours."""

    async def main(kind):
        client = kind(url, **{"token": "hf_x", **options})
        try:
            return await asyncio.wait_for(work(client), 30)
        finally:
            await client.close()

    return [asyncio.run(main(kind)) for kind in CLIENTS]


async def consumed(client, **options):
    found = await client.text_generation("Hi <|eot_id|> ü", **options)
    return [one async for one in found] if options.get("stream") else found


ASKED = [
    {"stream": True, "details": True, "max_new_tokens": 20, "seed": 4, "stop": ["ü", "\n"]},
    {"stream": True, "temperature": 0.5, "top_p": 0.9, "do_sample": True, "seed": 3},
    {"details": True, "max_new_tokens": 12, "return_full_text": False},
    {"max_new_tokens": 12, "seed": 1},
]


@contextlib.contextmanager
def echo(status=200, body=b"[]", headers=None, seen=None):
    """A server that keeps what it gets, and always answers the same."""

    async def handle(request):
        if seen is not None:
            seen.append(
                (request.method, request.raw_path, dict(request.headers), await request.read())
            )
        return web.Response(status=status, body=body, headers=headers)

    def build():
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handle)
        return app, lambda: None

    with serving(ServerThread(build)) as server:
        yield server.url


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("path", ["", "/some/path"])
def test_the_request_is_the_same_byte_for_byte(asked, path):
    seen = []
    with echo(body=b'[{"generated_text":"x"}]', seen=seen) as url:
        both(url + path, lambda client: consumed(client, **asked), headers={"X-Own": "1"})
    stock, ours = seen
    assert (stock[0], stock[1], stock[3]) == (ours[0], ours[1], ours[3])
    assert json.loads(ours[3])["inputs"] == "Hi <|eot_id|> ü"
    plain = [
        {name.lower(): value for name, value in one[2].items() if name.lower() not in NOT_OURS}
        for one in seen
    ]
    assert plain[0] == plain[1]
    assert plain[1]["authorization"] == "Bearer hf_x"
    assert "X-Amzn-Trace-Id".lower() in {name.lower() for name in ours[2]}


def test_the_request_can_be_had_without_sending_it():
    seen = []
    with echo(body=b'[{"generated_text":"x"}]', seen=seen) as url:

        async def main():
            client = FastInferenceClient(url, token="hf_x")
            made = await client.request("Hi", stream=True, details=True, max_new_tokens=4)
            assert seen == []
            await consumed(client)
            await client.close()
            return made

        request = asyncio.run(main())
    assert request.body == (
        b'{"inputs":"Hi","parameters":{"details":true,"max_new_tokens":4},"stream":true}'
    )
    assert (request.url, request.headers["authorization"]) == (url, "Bearer hf_x")


@pytest.mark.parametrize("asked", ASKED)
def test_the_results_are_the_same_objects(asked):
    with tgi_server(lambda: ScriptedAuthor(4)) as server:
        stock, ours = both(server.url, lambda client: consumed(client, **asked))
    assert type(stock) is type(ours)
    assert repr(stock) == repr(ours)
    if asked.get("stream") and asked.get("details"):
        assert len(ours) > 3
        for one, other in zip(stock, ours, strict=True):
            assert (type(one), type(one.token)) == (type(other), type(other.token))
            assert (one, one.token, one["token"]) == (other, other.token, other["token"])
            assert (vars(one), vars(one.token)) == (vars(other), vars(other.token))
            assert json.dumps(one) == json.dumps(other)


def event(**fields):
    token = {"id": 1, "text": "a", "logprob": -0.5, "special": False}
    return b"data:" + json.dumps({"index": 1, "token": token, **fields}).encode() + b"\n\n"


@pytest.mark.parametrize(
    "body",
    [
        event() + b"data: [DONE]\n\n" + event(),
        event(extra={"a": [1]}) + event(),
        event(top_tokens=[{"id": 1, "text": "a", "logprob": -1.0, "special": True}]),
        event(token={"id": 1, "text": "a"}),
        event(details={"finish_reason": "length", "generated_tokens": 1, "seed": None}),
        b": comment\n\n" + event().replace(b"data:", b"data: ").replace(b"\n", b"\r\n"),
        event() + b'data:{"error":"no","error_type":"generation"}\n\n',
        event() + b'data:{"error":"no","error_type":"incomplete_generation"}\n\n',
        event() + b'data:{"error":"no","error_type":"overloaded"}\n\n',
        event() + b'data:{"error":"no","error_type":"validation"}\n\n',
        event() + b'data:{"error":"no","error_type":"other"}\n\n',
        event() + b"data:<html>\n\n",
        event() + b'data:{"index":3,"token":{"id":12,"te\n\n',
        event() + b"data:[1]\n\n",
        event()[:-2],
        b"",
    ],
)
@pytest.mark.parametrize("details", [True, False])
def test_rare_streams_are_read_the_same(body, details):
    async def work(client):
        found = []
        try:
            async for one in await client.text_generation("Hi", stream=True, details=details):
                found.append(one)
        except Exception as error:  # noqa: BLE001 - the very thing that is compared
            return repr(found), type(error), str(error)
        return repr(found), None, None

    with echo(body=body, headers={"Content-Type": "text/event-stream"}) as url:
        stock, ours = both(url, work)
    assert stock == ours


def fails(**options):
    async def work(client):
        try:
            await consumed(client, **options)
        except Exception as error:  # noqa: BLE001 - the very thing that is compared
            cause = error.__cause__
            return type(error), str(error.args[0]) if error.args else "", type(cause)
        return None

    return work


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("status", "error_type"),
    [
        (422, "validation"),
        (424, "generation"),
        (429, "overloaded"),
        (500, "incomplete_generation"),
        (503, "healthcheck"),
        (500, None),
        (502, None),
        (504, None),
        (400, None),
        (401, None),
        (403, None),
        (404, None),
        (413, None),
        (429, None),
    ],
)
def test_each_refusal_is_the_same_error(status, error_type, stream):
    words = {"error": "why"} | ({"error_type": error_type} if error_type else {})
    with echo(status, json.dumps(words).encode(), {"X-Request-Id": "7"}) as url:
        stock, ours = both(url, fails(stream=stream))
    assert stock is not None
    assert stock == ours


@pytest.mark.parametrize("stream", [True, False])
def test_a_refusal_without_words_is_the_same_error(stream):
    with echo(500, b"<html>") as url:
        stock, ours = both(url, fails(stream=stream))
    assert stock == ours


@pytest.mark.parametrize("stream", [True, False])
def test_a_redirect_is_followed(stream):
    async def there(request):
        raise web.HTTPTemporaryRedirect("/there")

    async def here(request):
        return web.Response(body=event() if stream else b'[{"generated_text":"x"}]')

    def build():
        app = web.Application()
        app.add_routes([web.post("/", there), web.post("/there", here)])
        return app, lambda: None

    with serving(ServerThread(build)) as server:
        stock, ours = both(server.url, lambda client: consumed(client, stream=stream))
    assert stock == ours == (["a"] if stream else "x")


@pytest.mark.parametrize("stream", [True, False])
def test_nobody_there_is_the_same_error(stream):
    with echo() as url:
        pass
    stock, ours = both(url, fails(stream=stream))
    assert stock[0] is ours[0]


@pytest.mark.parametrize("fault", ["reset_before", "reset_mid", "no_end"])
@pytest.mark.parametrize("stream", [True, False])
def test_a_connection_that_breaks_is_the_same_error(fault, stream):
    with tgi_server(lambda: ScriptedAuthor(4), faults=FaultPlan(mix={fault: 1.0})) as server:
        stock, ours = both(server.url, fails(stream=stream, details=True))
    assert (stock and stock[0]) is (ours and ours[0])


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("fault", ["stall_first", "stall_between"])
def test_a_timeout_is_the_same_error(fault, stream):
    faults = FaultPlan(mix={fault: 1.0})
    with tgi_server(lambda: ScriptedAuthor(4), faults=faults) as server:
        stock, ours = both(server.url, fails(stream=stream, details=True), timeout=0.5)
    assert stock is not None
    assert stock[0] is ours[0]


def test_other_tasks_go_the_stock_way():
    seen = []
    with echo(body=b"[[0.5]]", seen=seen) as url:

        async def work(client):
            with contextlib.suppress(Exception):
                await client.feature_extraction("Hi")

        both(url, work)
    assert len(seen) == 2
    assert seen[0][3] == seen[1][3]


def test_a_stream_that_is_left_frees_the_server_and_warns_of_nothing():
    with tgi_server(lambda: ScriptedAuthor(4, rate=20)) as server, warnings.catch_warnings():
        warnings.simplefilter("error")

        async def main():
            client = FastInferenceClient(server.url, token="hf_x")
            stream = await client.text_generation("Hi", stream=True, seed=1, max_new_tokens=50)
            await anext(stream)
            assert server.figures.in_flight == 1
            await stream.aclose()
            while server.figures.in_flight:
                await asyncio.sleep(0.01)
            await client.request("Hi", stream=True)
            await client.close()

        asyncio.run(asyncio.wait_for(main(), 30))
        gc.collect()
