"""The drip server: what it sends is TGI's, event by event or at once."""

from __future__ import annotations

import asyncio
import socket
import time
from urllib.parse import urlsplit

import pytest
from huggingface_hub import AsyncInferenceClient
from huggingface_hub.inference._generated.types import (
    TextGenerationOutput,
    TextGenerationStreamOutput,
)

from tests.servers.asking import ask
from tests.servers.drip import drip_server, events
from tests.servers.schema import misfits


@pytest.fixture(scope="module", params=[False, True], ids=["drip", "whole"])
def url(request):
    with drip_server(30, whole=request.param) as url:
        yield url


def test_its_events_are_of_the_clients_type(url):
    told = ask(url, {"inputs": "x", "stream": True}).events
    assert [event["index"] for event in told] == list(range(1, 31))
    assert [misfits(event, TextGenerationStreamOutput) for event in told] == [[]] * 30
    text = "".join(event["token"]["text"] for event in told)
    assert told[-1]["generated_text"] == text
    assert told[-1]["details"]["generated_tokens"] == 30
    assert ask(f"{url}/generate_stream", {"inputs": "x"}).events == told


def test_its_whole_answer_is_of_the_clients_type(url):
    (found,) = ask(url, {"inputs": "x", "stream": False}).json
    assert misfits(found, TextGenerationOutput) == []
    assert len(found["details"]["tokens"]) == 30


def test_info_and_health_answer(url):
    assert ask(f"{url}/info").json["max_total_tokens"] == 2048
    assert ask(f"{url}/health").status == 200
    assert ask(f"{url}/tokenize", {"inputs": ""}).json[0]["id"] == 4080


def test_the_stock_client_reads_many_streams_at_once(url):
    async def main():
        async with AsyncInferenceClient(url) as client:

            async def one():
                stream = await client.text_generation("x", stream=True, details=True)
                return [event.token.id async for event in stream]

            return await asyncio.gather(*(one() for _ in range(20)))

    expected = [event["token"]["id"] for event in events(30)]
    assert asyncio.run(main()) == [expected] * 20


def test_a_rate_is_kept_and_every_event_is_a_write_of_its_own():
    request = b'POST / HTTP/1.1\r\nContent-Length: 15\r\n\r\n{"stream":true}'
    with (
        drip_server(20, rate=50.0) as url,
        socket.create_connection(("127.0.0.1", urlsplit(url).port), 10) as peer,
    ):
        started = time.monotonic()
        peer.sendall(request)
        reads = []
        while not reads or not reads[-1].endswith(b"0\r\n\r\n"):
            reads.append(peer.recv(65536))
        took = time.monotonic() - started
    assert 0.36 < took < 1.5  # 19 pauses of 20 ms
    assert len(reads) >= 10  # a busy machine may deliver two at once


@pytest.mark.parametrize("count", [1, 200])
def test_any_number_of_tokens_can_be_had(count):
    told = events(count)
    assert len(told) == count
    assert [event["details"] for event in told[:-1]] == [None] * (count - 1)
