"""The dialects of `/v1/completions`, and llama.cpp's own server."""

from __future__ import annotations

import asyncio
import importlib.util

import aiohttp
import pytest

from tests.servers.asking import ask, until
from tests.servers.authors import LlamaAuthor, ScriptedAuthor, tokens
from tests.servers.llama import llama_server
from tests.servers.openai import (
    CHAT_WRAPPER,
    DOUBLES_BOS,
    ENDLESS,
    NO_FINISH_REASON,
    NO_SEED,
    NO_USAGE,
    SGLANG,
    STRICT,
    VLLM,
    openai_server,
)
from tests.servers.openai.dialects import GREETING, REFUSES_SEED
from tests.servers.test_tgi_behaviour import Dictated

USER_TURN = "<|start_header_id|>user<|end_header_id|>\n\n"
IDS = tokens().encode(USER_TURN, special=False)

needs_llama = pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None, reason="xllamacpp is not installed"
)


def completed(server, **more):
    body = {"prompt": USER_TURN, "max_tokens": 300, "seed": 5, **more}
    return ask(f"{server.url}/v1/completions", body)


def asked_tokens(server, **more):
    return completed(server, **more).json["usage"]["prompt_tokens"]


@pytest.mark.parametrize("author", [ScriptedAuthor, pytest.param(LlamaAuthor, marks=needs_llama)])
def test_a_stream_is_the_text_in_pieces(author):
    with openai_server(VLLM, author) as server:
        whole = completed(server).json
        chunks = completed(server, stream=True).events
    choice = whole["choices"][0]
    assert (choice["finish_reason"], choice["stop_reason"]) == ("stop", None)
    assert chunks.pop() == "[DONE]"
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == choice["text"] != ""
    assert "<|eot_id|>" not in choice["text"]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]] == [None] * (
        len(chunks) - 1
    )
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert not any("usage" in chunk for chunk in chunks)


def test_usage_comes_last_when_asked_for():
    with openai_server(VLLM) as server:
        whole = completed(server).json
        told = completed(server, stream=True, stream_options={"include_usage": True}).events
    assert told[-2]["choices"] == []
    assert told[-2]["usage"] == whole["usage"]


@pytest.mark.parametrize(
    ("dialect", "plain", "without", "ids"),
    [(VLLM, 6, 5, 5), (SGLANG, 6, 6, 5), (DOUBLES_BOS, 6, 6, 6)],
)
def test_where_a_bos_is_added(dialect, plain, without, ids):
    with openai_server(dialect) as server:
        assert asked_tokens(server) == plain
        assert asked_tokens(server, add_special_tokens=False) == without
        assert asked_tokens(server, prompt=IDS) == ids
        assert asked_tokens(server, prompt="<|begin_of_text|>" + USER_TURN) == plain + 1


def test_vllm_tells_its_tokens():
    with openai_server(VLLM) as server:
        told = ask(f"{server.url}/tokenize", {"prompt": USER_TURN}).json
        bare = ask(f"{server.url}/tokenize", {"prompt": USER_TURN, "add_special_tokens": False})
    assert told == {
        "count": 6,
        "max_model_len": 2048,
        "tokens": [4080, *IDS],
        "token_strs": None,
    }
    assert bare.json["tokens"] == IDS


@pytest.mark.parametrize(
    ("texts", "stop", "end"),
    [
        (["a", "b", "c"], ["b"], ("a", "stop", "b")),
        (["a", "xbx", "c"], "b", ("ax", "stop", "b")),
        (["a", "b", "c", "d"], ["bd", "cd"], ("ab", "stop", "cd")),
        (["a", "b", "<|eot_id|>"], ["bc"], ("ab", "stop", None)),
        (["a", "<|start_header_id|>", "b", "<|eot_id|>"], ["<|start"], ("ab", "stop", None)),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_text_is_cut_before_its_stop_string(texts, stop, end, stream):
    with openai_server(VLLM, lambda: Dictated(texts)) as server:
        reply = completed(server, stop=stop, stream=stream)
    chunks = reply.events[:-1] if stream else [reply.json]
    choices = [chunk["choices"][0] for chunk in chunks]
    text = "".join(choice["text"] for choice in choices)
    assert (text, choices[-1]["finish_reason"], choices[-1]["stop_reason"]) == end


def test_sglang_tells_what_matched_and_has_flat_errors():
    with openai_server(SGLANG) as server:
        assert completed(server).json["choices"][0]["matched_stop"] == 4089
        error = completed(server, top_p=0).json
        assert ask(f"{server.url}/tokenize", {"prompt": "x"}).status == 404
    assert (error["object"], error["code"]) == ("error", 400)


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"top_p": 0}, 400),
        ({"temperature": -1}, 400),
        ({"temperature": "hot"}, 400),
        ({"max_tokens": 0}, 400),
        ({"max_tokens": 2048}, 400),
        ({"stop": [""]}, 400),
        ({"prompt": []}, 400),
        ({"prompt": [4096]}, 400),
        ({"prompt": {"text": "x"}}, 400),
        ({"model": "another"}, 404),
        ({"top_p": 1.0, "temperature": 0, "model": "demo/model"}, 200),
    ],
)
def test_what_vllm_refuses(more, status):
    with openai_server(VLLM) as server:
        reply = completed(server, **more)
    assert reply.status == status
    assert status == 200 or reply.json["error"]["code"] == status


def test_a_strict_server_refuses_what_openai_has_not():
    with openai_server(STRICT) as server:
        statuses = [
            completed(server, **more).status
            for more in ({"add_special_tokens": False}, {"prompt": IDS}, {"stop": list("abcde")})
        ]
        assert statuses == [400] * 3
        assert completed(server).status == 200


def test_a_chat_wrapper_greets_whatever_is_asked():
    with openai_server(CHAT_WRAPPER) as server:
        texts = {completed(server, seed=seed).json["choices"][0]["text"] for seed in range(3)}
    assert texts == {GREETING}


def test_servers_that_keep_things_to_themselves():
    with openai_server(NO_USAGE) as server:
        assert "usage" not in completed(server).json
        events = completed(server, stream=True, stream_options={"include_usage": True}).events
        assert not any("usage" in event for event in events[:-1])
    with openai_server(NO_FINISH_REASON) as server:
        assert completed(server).json["choices"][0]["finish_reason"] is None
        last = completed(server, stream=True).events[-2]
        assert last["choices"][0]["finish_reason"] is None
    with openai_server(NO_SEED) as server:
        texts = {completed(server).json["choices"][0]["text"] for _ in range(4)}
        assert len(texts) > 1
    with openai_server(REFUSES_SEED) as server:
        assert completed(server).status == 400
        assert completed(server, seed=None).status == 200


def test_an_endless_server_ends_no_turn():
    with openai_server(ENDLESS) as server:
        found = completed(server, max_tokens=500).json
    assert found["usage"]["completion_tokens"] == 500
    assert found["choices"][0]["finish_reason"] == "length"


def test_a_key_and_the_model_list():
    with openai_server(VLLM, api_key="sk-1") as server:
        assert ask(f"{server.url}/v1/models").status == 401
        listed = ask(f"{server.url}/v1/models", Authorization="Bearer sk-1").json["data"]
        assert ask(f"{server.url}/health").status == 200
    assert [(model["id"], model["owned_by"]) for model in listed] == [("demo/model", "vllm")]


def test_a_closed_stream_is_cancelled():
    async def main(server):
        body = {"prompt": "x", "max_tokens": 900, "stream": True}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{server.url}/v1/completions", json=body) as answer,
        ):
            await answer.content.readline()

    with openai_server(VLLM, lambda: ScriptedAuthor(rate=20, words=400)) as server:
        asyncio.run(main(server))
        until(lambda: server.writing == 0, 10.0)


@needs_llama
def test_llamas_own_server_is_up_and_is_another_dialect():
    with llama_server(slots=2) as url:
        body = {"prompt": USER_TURN, "max_tokens": 300, "seed": 5, "top_k": 0, "min_p": 0}
        found = ask(f"{url}/v1/completions", body).json
        assert found["choices"][0]["finish_reason"] == "stop"
        assert found["usage"]["prompt_tokens"] == 6
        assert ask(f"{url}/v1/models").json["data"][0]["owned_by"] == "llamacpp"
    with pytest.raises(OSError):
        ask(f"{url}/health")


@needs_llama
def test_llamas_own_server_can_ask_for_a_key():
    with llama_server(slots=1, api_key="sk-1") as url:
        body = {"prompt": "x", "max_tokens": 2}
        assert ask(f"{url}/v1/completions", body).status == 401
        assert ask(f"{url}/v1/completions", body, Authorization="Bearer sk-1").status == 200
