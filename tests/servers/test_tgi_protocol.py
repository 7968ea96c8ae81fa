"""The answers of the TGI server against huggingface_hub's types and TGI's own description."""

from __future__ import annotations

import asyncio
import importlib.util

import pytest
from huggingface_hub import AsyncInferenceClient
from huggingface_hub.errors import (
    GenerationError,
    IncompleteGenerationError,
    OverloadedError,
    ValidationError,
)
from huggingface_hub.inference._generated.types import (
    TextGenerationOutput,
    TextGenerationStreamOutput,
)

from tests.servers.asking import ask
from tests.servers.authors import LlamaAuthor, ScriptedAuthor, tokens
from tests.servers.faults import FaultPlan
from tests.servers.schema import description, faults, misfits
from tests.servers.tgi import Limits, tgi_server
from tests.servers.tgi.body import COMPLETION, PARAMETERS

USER_TURN = "<|start_header_id|>user<|end_header_id|>\n\n"
DESCRIPTION = description()

needs_llama = pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None, reason="xllamacpp is not installed"
)
needs_description = pytest.mark.skipif(
    DESCRIPTION is None, reason="MAGPIE_TGI_OPENAPI names no OpenAPI description of TGI"
)


@pytest.fixture(
    scope="module",
    params=[ScriptedAuthor, pytest.param(LlamaAuthor, marks=needs_llama)],
    ids=["scripted", "demo"],
)
def server(request):
    with tgi_server(request.param) as server:
        yield server


def request_of(**parameters):
    return {"inputs": USER_TURN, "parameters": {"do_sample": True, **parameters}}


def held_against(value, name):
    """The faults of a value by TGI's description, where that is at hand."""
    if DESCRIPTION is None:
        return []
    return faults(value, DESCRIPTION["components"]["schemas"][name], DESCRIPTION)


@pytest.mark.parametrize("seed", range(6))
def test_a_whole_answer_is_of_the_clients_type(server, seed):
    body = request_of(seed=seed, details=True, decoder_input_details=True, max_new_tokens=200)
    (listed,) = ask(server.url, body).json
    plain = ask(f"{server.url}/generate", body).json
    assert misfits(listed, TextGenerationOutput) == []
    assert held_against(plain, "GenerateResponse") == []
    assert listed["generated_text"] == plain["generated_text"]
    details = listed["details"]
    assert details["generated_tokens"] == len(details["tokens"])
    assert details["seed"] == seed
    assert [token["id"] for token in details["prefill"]] == tokens().encode(USER_TURN, special=True)
    told = [token["text"] for token in details["tokens"] if not token["special"]]
    assert "".join(told) == listed["generated_text"]


def test_details_come_only_when_asked_for(server):
    (found,) = ask(server.url, request_of(max_new_tokens=3)).json
    assert list(found) == ["generated_text"]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("route", ["/", "/generate_stream"])
def test_every_event_is_of_the_clients_type(server, seed, route):
    body = request_of(seed=seed, details=True, max_new_tokens=200) | {"stream": True}
    reply = ask(server.url + route, body)
    assert reply.headers["Content-Type"] == "text/event-stream"
    assert reply.text.startswith('data:{"index":1,')
    events = reply.events
    for event in events:
        assert misfits(event, TextGenerationStreamOutput) == []
        assert held_against(event, "StreamResponse") == []
    assert [event["index"] for event in events] == list(range(1, len(events) + 1))
    assert {(event["generated_text"], event["details"]) for event in events[:-1]} == {(None, None)}
    last = events[-1]
    assert last["details"] == {
        "finish_reason": "eos_token" if last["token"]["special"] else "length",
        "generated_tokens": len(events),
        "seed": seed,
        "input_length": 6,
    }
    told = [event["token"]["text"] for event in events if not event["token"]["special"]]
    assert "".join(told) == last["generated_text"]


def test_a_stream_and_a_whole_answer_are_the_same_text(server):
    body = request_of(seed=5, details=True)
    (whole,) = ask(server.url, body).json
    last = ask(server.url, body | {"stream": True}).events[-1]
    assert last["generated_text"] == whole["generated_text"]
    assert last["details"]["finish_reason"] == whole["details"]["finish_reason"] == "eos_token"


def test_without_details_the_last_event_has_none(server):
    last = ask(f"{server.url}/generate_stream", request_of(max_new_tokens=3)).events[-1]
    assert last["details"] is None
    assert last["generated_text"]


@pytest.mark.parametrize("stream", [False, True])
def test_its_completions_are_as_described(server, stream):
    body = {"prompt": USER_TURN, "max_tokens": 300, "seed": 5, "stream": stream}
    (tgis,) = ask(server.url, request_of(seed=5)).json
    reply = ask(f"{server.url}/v1/completions", body)
    chunks = reply.events if stream else [reply.json]
    if stream:
        assert chunks.pop() == "[DONE]"
        reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
        assert reasons == [""] * (len(chunks) - 1) + ["eos_token"]
        assert chunks[-1]["choices"][0]["text"] == "<|eot_id|>"
    else:
        assert chunks[0]["choices"][0]["finish_reason"] == "stop"
        assert chunks[0]["choices"][0]["text"] == tgis["generated_text"]
    for chunk in chunks:
        assert held_against(chunk, "Completion") == []
    assert chunks[-1]["usage"]["prompt_tokens"] == 6
    text = "".join(chunk["choices"][0]["text"] for chunk in chunks)
    assert text.removesuffix("<|eot_id|>") == tgis["generated_text"]


def test_info_models_tokens_and_errors_are_as_described(server):
    info = ask(f"{server.url}/info").json
    assert held_against(info, "Info") == []
    assert info["max_total_tokens"] == 2048
    listed = ask(f"{server.url}/v1/models").json
    assert [held_against(model, "ModelInfo") for model in listed["data"]] == [[]]
    cut = ask(f"{server.url}/tokenize", {"inputs": "<|begin_of_text|>maps"}).json
    assert held_against(cut, "TokenizeResponse") == []
    assert [token["id"] for token in cut][:2] == [4080, 4080]
    assert held_against(ask(server.url, request_of(top_k=0)).json, "ErrorResponse") == []


@needs_description
def test_the_parameters_are_the_described_ones():
    assert DESCRIPTION is not None
    schemas = DESCRIPTION["components"]["schemas"]
    assert {*PARAMETERS, "grammar"} == schemas["GenerateParameters"]["properties"].keys()
    assert {*COMPLETION, "prompt"} == schemas["CompletionRequest"]["properties"].keys()
    assert faults({"inputs": 3}, schemas["GenerateRequest"], DESCRIPTION) != []


def test_metrics_count_what_was_served():
    with tgi_server() as server:
        ask(server.url, request_of(max_new_tokens=5))
        ask(server.url, request_of(top_p=1.0))
        lines = ask(f"{server.url}/metrics").text.splitlines()
    assert "tgi_request_count 2" in lines
    assert "tgi_request_success 1" in lines
    assert 'tgi_request_failure{err="validation"} 1' in lines
    assert "tgi_request_generated_tokens_sum 5" in lines
    assert {"tgi_queue_size 0", "tgi_batch_current_size 0"} <= set(lines)


async def streamed(client, **more):
    events = await client.text_generation(USER_TURN, stream=True, details=True, **more)
    return [event async for event in events]


def test_the_stock_client_reads_everything(server):
    async def main():
        async with AsyncInferenceClient(server.url) as client:
            events = await streamed(client, seed=2, do_sample=True)
            whole = await client.text_generation(
                USER_TURN, details=True, seed=2, do_sample=True, decoder_input_details=False
            )
            return events, whole

    events, whole = asyncio.run(main())
    assert events[-1].generated_text == whole.generated_text
    assert [event.token.id for event in events] == [token.id for token in whole.details.tokens]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("overloaded", OverloadedError),
        ("generation", GenerationError),
        ("incomplete", IncompleteGenerationError),
    ],
)
def test_the_stock_client_knows_the_errors(kind, error, stream):
    async def main():
        async with AsyncInferenceClient(server.url) as client:
            if stream:
                await streamed(client)
            await client.text_generation(USER_TURN, details=True)

    with tgi_server(faults=FaultPlan(numbered={0: kind})) as server, pytest.raises(error):
        asyncio.run(main())
    assert server.injected == {kind: 1}


def test_the_stock_client_knows_a_refusal_in_a_stream(server):
    async def main():
        async with AsyncInferenceClient(server.url) as client:
            await streamed(client, temperature=-1.0)

    with pytest.raises(ValidationError, match="`temperature` must be strictly positive"):
        asyncio.run(main())


def test_a_key_is_asked_for_where_there_is_one():
    with tgi_server(limits=Limits(api_key="secret")) as server:
        assert ask(server.url, request_of()).status == 401
        assert ask(server.url, request_of(), Authorization="Bearer secret").status == 200
        assert ask(f"{server.url}/health").status == 200
