"""Each fault as a client sees it, how often it comes, and that it is counted."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections import Counter
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.servers.asking import ask, until
from tests.servers.authors import ScriptedAuthor
from tests.servers.faults import KINDS, FaultPlan
from tests.servers.openai import openai_server
from tests.servers.tgi import tgi_process, tgi_server

BODY = {"inputs": "x", "parameters": {"details": True, "max_new_tokens": 30}}


def first_fails(kind, **more):
    return tgi_server(faults=FaultPlan(numbered={0: kind}, **more), pause=0.05)


async def seen(url, stream, patience=10.0):
    """What a client that believes nothing sees: status and body, or the error, or that it waits."""
    timeout = aiohttp.ClientTimeout(sock_read=patience)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        body = b""
        try:
            async with session.post(url, json={**BODY, "stream": stream}) as answer:
                async for part in answer.content.iter_any():
                    body += part
                return answer.status, body
        except TimeoutError:
            return "waits", body
        except aiohttp.ClientError as error:
            return type(error).__name__, body


STREAMS = {
    "overloaded": (200, b'"error_type":"overloaded"'),
    "refused": (429, b'"overloaded"'),
    "generation": (200, b'"error_type":"generation"'),
    "incomplete": (200, b'"error_type":"incomplete_generation"'),
    "unavailable": (503, b'"healthcheck"'),
    "reset_before": ("ClientOSError", b""),
    "reset_mid": ("ClientPayloadError", b'"index":1'),
    "stall_first": ("waits", b""),
    "stall_between": ("waits", b'"index":1'),
    "error_event": (200, b'"error_type":"generation"'),
    "garbage": (200, b"data:<html>"),
    "cut_json": (200, b'"te\n\n'),
    "wrong_type": (200, b'"token":"text"'),
    "no_end": (200, b'"index":1'),
    "crash": ("ClientPayloadError", b'"index":1'),
}
WHOLE = {
    "overloaded": (429, b'"overloaded"'),
    "refused": (429, b'"overloaded"'),
    "generation": (424, b'"generation"'),
    "incomplete": (500, b'"incomplete_generation"'),
    "unavailable": (503, b'"healthcheck"'),
    "reset_before": ("ClientOSError", b""),
    "reset_mid": ("ClientPayloadError", b"generated_text"),
    "stall_first": ("waits", b""),
    "stall_between": ("waits", b"generated_text"),
    "error_event": (424, b'"generation"'),
    "garbage": (200, b"<html>"),
    "cut_json": (200, b"generated_text"),
    "wrong_type": (200, b'"generated_text": 5'),
    "no_end": (200, b"[]"),
    "crash": ("ServerDisconnectedError", b""),
}


def test_each_kind_is_looked_at():
    assert set(STREAMS) == set(WHOLE) == set(KINDS)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_client_sees(kind, stream):
    with first_fails(kind) as server:
        patience = 0.3 if kind.startswith("stall") else 10.0
        status, body = asyncio.run(seen(server.url, stream, patience))
        expected, part = (STREAMS if stream else WHOLE)[kind]
        if kind in ("crash", "reset_before") and not stream:
            assert status in ("ServerDisconnectedError", "ClientOSError")
        else:
            assert status == expected
        assert part in body
        assert not is_whole(body, stream)
        assert server.injected == {kind: 1}
        until(lambda: _answers(server.url))
        assert server.injected == {kind: 1}


def is_whole(body, stream):
    """Whether a body is a good and complete answer."""
    if stream:
        return b'"generated_tokens":' in body
    try:
        found = json.loads(body)
    except ValueError:
        return False
    return isinstance(found, list) and bool(found) and "details" in found[0]


@pytest.mark.parametrize("kind", ["reset_mid", "no_end", "error_event", "garbage"])
def test_a_fault_strikes_the_shortest_text_too(kind):
    body = {"inputs": "x", "parameters": {"max_new_tokens": 1}, "stream": True}
    with first_fails(kind) as server:
        try:
            text = ask(server.url, body).text
        except OSError:
            text = ""
    assert '"generated_text":"' not in text


def _answers(url):
    """Whether a request goes well."""
    try:
        return ask(url, BODY).status == 200
    except OSError:
        return False


def test_a_reset_is_a_reset():
    with first_fails("reset_before") as server:
        port = urlsplit(server.url).port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", "/", json.dumps(BODY), {"Content-Type": "application/json"})
        with pytest.raises(ConnectionResetError):
            connection.getresponse()


def test_a_crash_closes_the_port_for_a_while():
    with tgi_server(faults=FaultPlan(numbered={0: "crash"}), pause=1.0) as server:
        asyncio.run(seen(server.url, True))
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", urlsplit(server.url).port), 1).close()
        until(lambda: _answers(server.url))
        assert server.crashes == 1


def test_a_mix_follows_from_seed_and_number_alone():
    plan = FaultPlan(mix={"generation": 0.1, "reset_mid": 0.05}, seed=3, first=100, until=5100)
    again = FaultPlan.read(json.loads(json.dumps(plan.told())))
    struck, twice = (
        {number: fault.kind for number in range(6000) if (fault := one(number))}
        for one in (plan, again)
    )
    assert struck == twice
    assert min(struck) >= 100 and max(struck) < 5100
    counted = Counter(struck.values())
    assert 420 < counted["generation"] < 580
    assert 190 < counted["reset_mid"] < 310
    with pytest.raises(ValueError, match="no_such"):
        FaultPlan(mix={"no_such": 0.5})


def test_a_process_that_crashes_is_started_again_and_counts_on():
    plan = FaultPlan(numbered={1: "crash", 2: "generation"})
    with tgi_process(faults=plan, pause=0.05) as server:
        assert ask(server.url, BODY).status == 200
        with pytest.raises(OSError):
            ask(server.url, BODY)
        until(lambda: bool(server.ends) and server.ready.is_set())
        assert server.ends == [137]
        assert ask(server.url, BODY).status == 424
        assert ask(server.url, BODY).status == 200
        assert server.injected == {"crash": 1, "generation": 1}
        assert [one.number for one in server.requests] == [0, 1, 2, 3]


def test_the_other_protocol_fails_alike():
    body = {"prompt": "x", "max_tokens": 30, "stream": True}
    plan = FaultPlan(
        numbered=dict(enumerate(("overloaded", "generation", "unavailable", "no_end")))
    )
    with openai_server(author=ScriptedAuthor, faults=plan) as server:
        url = f"{server.url}/v1/completions"
        assert [ask(url, body).status for _ in range(3)] == [429, 500, 503]
        assert "[DONE]" not in ask(url, body).text
        assert ask(url, body).events[-1] == "[DONE]"
        assert sum(server.injected.values()) == 4
