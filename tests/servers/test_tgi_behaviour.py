"""How the TGI server generates: its ends, its greed, its queue, its places."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import aiohttp
import pytest

from tests.servers.asking import ask, until
from tests.servers.authors import Sampling, ScriptedAuthor, Written, tokens
from tests.servers.tgi import Limits, tgi_server


class Dictated:
    """An author who writes given tokens."""

    slots = 4

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    async def write(self, prompt, sampling: Sampling):
        for text in self._texts:
            special = {content: number for number, content in tokens().special.items()}
            yield Written(special.get(text, 7), text, -0.5)

    def close(self) -> None:
        pass


def end_of(texts, **parameters):
    """(finish reason, generated text, tokens) of a text of these tokens."""
    body = {"inputs": "x", "parameters": {"details": True, **parameters}}
    with tgi_server(lambda: Dictated(texts)) as server:
        found = ask(f"{server.url}/generate", body).json
    details = found["details"]
    return details["finish_reason"], found["generated_text"], details["generated_tokens"]


@pytest.mark.parametrize(
    ("texts", "parameters", "end"),
    [
        (["a", "b", "<|eot_id|>"], {}, ("eos_token", "ab", 3)),
        (["a", "<|end_of_text|>", "b"], {}, ("eos_token", "a", 2)),
        (["a", "<|eom_id|>", "b", "c"], {"max_new_tokens": 4}, ("length", "abc", 4)),
        (["a", "b", "c"], {"stop": ["b"]}, ("stop_sequence", "ab", 2)),
        (["a", "xbx", "b", "c"], {"stop": ["b"]}, ("stop_sequence", "axbxb", 3)),
        (["a", "?\n\nSure", "\n", "c"], {"stop": ["\n"]}, ("stop_sequence", "a?\n\nSure\n", 3)),
        (["a", "b\n", "c"], {"stop": ["b"]}, ("stop_sequence", "ab\n", 2)),
        (["a.", "b", "c"], {"stop": ["."], "max_new_tokens": 1}, ("length", "a.", 1)),
        (["a", "<|eot_id|>"], {"max_new_tokens": 2}, ("length", "a", 2)),
        (["a", "b", "c"], {"stop": [".", "bc"]}, ("stop_sequence", "abc", 3)),
    ],
)
def test_the_end_of_a_text(texts, parameters, end):
    assert end_of(texts, **parameters) == end


def test_an_author_who_ends_without_a_reason_is_an_incomplete_generation():
    body = {"inputs": "x"}
    with tgi_server(lambda: Dictated(["a", "b"])) as server:
        refusal = ask(server.url, body).refusal
    assert refusal == (500, "incomplete_generation", "Incomplete generation")


def test_the_prompt_gets_a_bos_also_where_it_has_one():
    with tgi_server() as server:
        lengths = [
            ask(
                f"{server.url}/generate_stream", {"inputs": text, "parameters": {"details": True}}
            ).events[-1]["details"]["input_length"]
            for text in ("maps", "<|begin_of_text|>maps")
        ]
    assert lengths[1] == lengths[0] + 1


@pytest.mark.parametrize(
    ("parameters", "greedy"),
    [
        ({}, True),
        ({"temperature": 1.0}, True),
        ({"seed": 4}, True),
        ({"do_sample": True}, False),
        ({"temperature": 0.9}, False),
        ({"top_p": 0.9}, False),
        ({"top_k": 5}, False),
    ],
)
def test_sampling_is_on_as_in_the_model_server(parameters, greedy):
    """A temperature of 1 alone is greedy: the trap in which every row is the same."""
    body = {"inputs": "x", "parameters": {"details": True, **parameters}}
    with tgi_server() as server:
        found = [
            ask(f"{server.url}/generate", {**body, "parameters": {**body["parameters"], **more}})
            for more in ({"seed": 1}, {"seed": 2})
        ]
    texts = {reply.json["generated_text"] for reply in found}
    assert len(texts) == (1 if greedy else 2)
    told = {reply.json["details"]["seed"] for reply in found}
    assert told == ({None} if greedy else {1, 2})


def test_the_default_length_is_1024_or_what_there_is_room_for():
    with tgi_server(lambda: Dictated(["a"] * 3000)) as server:
        texts = [ask(f"{server.url}/generate", {"inputs": "x"}).json["generated_text"]]
    with tgi_server(lambda: Dictated(["a"] * 3000), Limits(max_total_tokens=100)) as server:
        texts.append(ask(f"{server.url}/generate", {"inputs": "x"}).json["generated_text"])
    assert [len(text) for text in texts] == [1024, 98]


def slow(rate=20.0, slots=8):
    return lambda: ScriptedAuthor(slots=slots, rate=rate, words=400)


async def opened(session, url, count):
    """So many streams that have begun."""
    body = {"inputs": "x", "parameters": {"do_sample": True}, "stream": True}
    return [await session.post(url, json=body) for _ in range(count)]


@pytest.mark.parametrize("stream", [False, True])
def test_over_the_limit_a_request_is_refused_at_once(stream):
    async def main(server):
        async with aiohttp.ClientSession() as session:
            held = await opened(session, server.url, 2)
            for one in held:
                await one.content.readline()
            body = {"inputs": "x", "stream": stream}
            async with session.post(server.url, json=body) as answer:
                return answer.status, await answer.text()

    with tgi_server(slow(), Limits(max_concurrent_requests=2)) as server:
        status, text = asyncio.run(main(server))
        until(lambda: server.figures.in_flight == 0)
    assert status == (200 if stream else 429)
    assert '"Model is overloaded"' in text and '"overloaded"' in text


@pytest.mark.parametrize("stream", [False, True])
def test_a_closed_connection_cancels_and_frees_its_place(stream):
    async def main(server):
        body = {"inputs": "x", "stream": stream}
        async with aiohttp.ClientSession() as session:
            asking = asyncio.create_task(session.post(server.url, json=body))
            while not server.figures.batch:
                await asyncio.sleep(0.005)
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                (await asking).close()

    with tgi_server(slow(rate=0.05)) as server:
        asyncio.run(main(server))
        until(lambda: server.figures.batch == server.figures.in_flight == 0, 10.0)
        assert server.figures.success == 0


def test_more_requests_than_slots_queue():
    async def main(server):
        async with aiohttp.ClientSession() as session:
            await opened(session, server.url, 5)
            while server.figures.queue != 3:
                await asyncio.sleep(0.005)
            return server.figures.batch

    with tgi_server(slow(slots=2)) as server:
        assert asyncio.run(main(server)) == 2


def test_throughput_saturates_at_slots_times_rate():
    async def main(server):
        async with aiohttp.ClientSession() as session:
            clock = asyncio.get_running_loop().time
            started = clock()
            body = {"inputs": "x", "parameters": {"max_new_tokens": 20}}
            answers = [session.post(server.url, json=body) for _ in range(8)]
            await asyncio.gather(*answers)
            return clock() - started

    with tgi_server(lambda: ScriptedAuthor(slots=4, rate=100.0, words=400)) as server:
        assert 0.4 <= asyncio.run(main(server)) < 4  # 8 x 20 tokens, 4 at a time, 100 a second


def test_a_silent_stream_carries_comments():
    body = {"inputs": "x", "parameters": {"max_new_tokens": 1}, "stream": True}
    with tgi_server(lambda: ScriptedAuthor(rate=5.0), keep_alive=0.05) as server:
        reply = ask(server.url, body)
    assert reply.text.startswith(":\n\n")
    assert len(reply.events) == 1


def test_health_can_be_bad():
    with tgi_server() as server:
        assert ask(f"{server.url}/health").status == 200
        server.be_healthy(False)
        assert ask(f"{server.url}/health").refusal == (503, "healthcheck", "unhealthy")
