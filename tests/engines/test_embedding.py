"""The embedding engine: what it finds out, what it sends, and what it makes of bad answers."""

import asyncio
import contextlib
import json
import math
import os
import struct
from array import array

import pytest

from builder.engines.base import complete
from builder.engines.embedding.answer import packed, read_object, unpacked
from builder.engines.embedding.embedder import NOTHING_TO_SAMPLE, PooledEmbedder, pooled
from builder.engines.embedding.engine import connect_embedding
from builder.engines.pool import pool as pools
from builder.engines.remote.errors import Where
from builder.engines.remote.exchange import Answer
from builder.errors import (
    BrokenStreamError,
    EngineError,
    FailedGenerationError,
    OverloadedError,
    RowError,
    UnavailableError,
)
from builder.recipe.engine_spec import RemoteEngineSpec
from tests.engines.subjects import LONGEST, needs_llama
from tests.servers.embedding import STRICT, TEI, VLLM, Dialect, embedding_server, vector_of
from tests.servers.embedding.llama import llama_embedding_server
from tests.servers.embedding.server import SHA
from tests.servers.faults import FaultPlan
from tests.servers.llama import llama_server
from tests.servers.openai import openai_server

MPNET = "sentence-transformers/all-mpnet-base-v2"
TEXTS = ["What is a heron?", "Wie groß ist ein Reiher? 🪶", "مرحبا\x00"]


def at(endpoint, work, model=None, **keys):
    """What `work(engine)` returns, for an engine connected to `endpoint`."""

    async def main():
        engine = await connect_embedding(endpoint, RemoteEngineSpec(**keys), model)
        try:
            return await work(engine)
        finally:
            await engine.close()

    return asyncio.run(asyncio.wait_for(main(), LONGEST))


def refused(endpoint, model=None, **keys):
    """The error that connecting to `endpoint` ends with."""
    with pytest.raises(EngineError) as caught:
        at(endpoint, info, model, **keys)
    return caught.value


async def info(engine):
    return engine.info.to_json()


async def vectors(engine, texts=TEXTS):
    completion = await complete(engine, json.dumps(texts), NOTHING_TO_SAMPLE)
    return unpacked(completion.text), completion.tokens, completion.finish_reason


def error_of(endpoint, work=vectors):
    with pytest.raises(Exception) as caught:
        at(endpoint, work)
    return caught.value


# what is found


def test_tei_tells_its_model_its_batch_and_its_limit():
    with embedding_server(TEI) as server:
        found = at(server.url, info)
    assert found == {
        "model": MPNET,
        "revision": SHA,
        "path": "/embed",
        "fields": {"normalize": True, "truncate": True},
        "width": 8,
        "batch": 32,
        "slots": 16,  # 512 requests of one text, 32 texts each
        "slots_told": True,
    }


def test_vllm_is_asked_for_base64_and_to_cut():
    with embedding_server(VLLM) as server:
        found = at(server.url, info)
        assert server.bodies == [
            {
                "model": MPNET,
                "encoding_format": "base64",
                "truncate_prompt_tokens": -1,
                "input": ["Hello"],
            }
        ]
    assert found == {
        "model": MPNET,
        "revision": None,
        "path": "/v1/embeddings",
        "fields": {"encoding_format": "base64", "truncate_prompt_tokens": -1},
        "width": 8,
        "batch": 64,
        "slots": 1024,
        "slots_told": False,
    }


def test_a_server_that_takes_no_optional_field_is_asked_without():
    with embedding_server(STRICT) as server:
        found = at(server.url, info)
        assert len(server.bodies) == 4
        assert server.bodies[-1] == {"model": MPNET, "input": ["Hello"]}
    assert found["fields"] == {}


def test_an_address_may_end_in_v1():
    with embedding_server(VLLM) as server:
        assert at(f"{server.url}/v1/", info)["width"] == 8


def test_the_name_in_the_recipe_goes_into_the_requests():
    with embedding_server(VLLM) as server:
        assert at(server.url, info, "mpnet")["model"] == "mpnet"
        assert server.bodies[0]["model"] == "mpnet"


def test_a_model_that_is_a_path_keeps_only_its_last_part():
    with embedding_server(Dialect(**vars(TEI) | {"model": "/data/all-mpnet"})) as server:
        assert at(server.url, info)["model"] == "all-mpnet"
        assert at(server.url, info, "my-mpnet")["model"] == "my-mpnet"


# what is refused


def test_another_model_than_the_recipe_names_is_refused():
    with embedding_server(TEI) as server:
        error = refused(server.url, "BAAI/bge-m3")
    assert error.message == f"{server.url} serves {MPNET}, the recipe names BAAI/bge-m3"


def test_a_reranker_is_refused():
    with embedding_server(Dialect(**vars(TEI) | {"serves": "reranker"})) as server:
        error = refused(server.url)
    assert "as a reranker, not as an embedding model" in error.message


def test_a_server_without_embeddings_is_refused():
    with openai_server() as server:
        error = refused(server.url)
    assert error.message.startswith(f"{server.url} has neither /embed nor /v1/embeddings")
    assert error.mend.startswith("Does it serve an embedding model?")


@needs_llama
def test_llama_cpp_that_writes_text_is_refused_in_its_own_words():
    with llama_server() as url:
        error = refused(url)
    assert error.message.startswith("a short text gets no vector")
    assert "--embeddings" in error.message + error.mend


def test_a_missing_key_is_refused_and_a_key_is_never_shown(monkeypatch):
    with embedding_server(TEI, api_key="sesame-1") as server:
        assert "401" in refused(server.url).message
        monkeypatch.setenv("EMBEDDING_KEY", "sesame-2")
        wrong = refused(server.url, api_key_env="EMBEDDING_KEY")
        assert "EMBEDDING_KEY" in wrong.mend and "sesame" not in str(wrong)
        monkeypatch.setenv("EMBEDDING_KEY", "sesame-1")
        assert at(server.url, info, api_key_env="EMBEDDING_KEY")["width"] == 8


# what comes


@pytest.mark.parametrize("dialect", [TEI, VLLM, STRICT], ids=lambda one: one.name)
def test_vectors_come_exactly_and_in_the_order_of_the_texts(dialect):
    with embedding_server(dialect) as server:
        found, tokens, finish = at(server.url, vectors)
    assert found == [vector_of(" ".join(text.split()), 8) for text in TEXTS]
    assert (tokens, finish) == (11, "stop")


@pytest.mark.parametrize("dialect", [TEI, VLLM], ids=lambda one: one.name)
def test_a_long_text_is_cut_by_the_server(dialect):
    async def long(engine):
        return await vectors(engine, ["word " * 30_000])

    with embedding_server(dialect) as server:
        found, tokens, _ = at(server.url, long)
    assert tokens == 512
    assert found == [vector_of("word " * 511 + "word", 8)]


@pytest.mark.parametrize("dialect", [TEI, VLLM], ids=lambda one: one.name)
def test_what_is_no_number_stays_with_its_text(dialect):
    async def one_bad(engine):
        return (await vectors(engine, ["nan", "fine"]))[0]

    with embedding_server(dialect) as server:
        bad, fine = at(server.url, one_bad)
    assert math.isnan(bad[0]) and not any(math.isnan(x) for x in bad[1:])
    assert fine == vector_of("fine", 8)


@needs_llama
def test_llama_cpp_embeds_with_the_demo_model():
    async def work(engine):
        found, tokens, _ = await vectors(engine, ["Hello", "How do I bake bread?", "Hello"])
        with pytest.raises(RowError, match="too large to process"):
            await vectors(engine, ["bread " * 3000])
        return engine.info, found, tokens

    with llama_embedding_server() as url:
        known, found, tokens = at(url, work)
    assert (known.model, known.path) == ("model.gguf", "/v1/embeddings")
    assert (known.width, known.slots, known.slots_told) == (256, 2, True)
    assert os.sep not in json.dumps(known.to_json()).replace("/v1/embeddings", "")
    assert tokens > 3
    assert [len(one) for one in found] == [256] * 3
    assert math.dist(found[0], found[1]) > 0.1
    assert math.dist(found[0], found[2]) < 1e-3


@needs_llama
def test_llama_cpp_without_pooling_is_refused_in_its_own_words():
    with llama_embedding_server("NONE") as url:
        error = refused(url)
    assert "Pooling type 'none' is not OAI compatible" in error.message


# what goes wrong


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("overloaded", OverloadedError),
        ("unavailable", UnavailableError),
        ("generation", FailedGenerationError),
        ("reset_before", UnavailableError),
        ("reset_mid", BrokenStreamError),
        ("garbage", BrokenStreamError),
        ("cut_json", BrokenStreamError),
        ("wrong_type", BrokenStreamError),
        ("no_end", BrokenStreamError),
    ],
)
@pytest.mark.parametrize("dialect", [TEI, VLLM], ids=lambda one: one.name)
def test_a_fault_is_the_error_that_says_what_to_do(dialect, kind, expected):
    with embedding_server(dialect, FaultPlan(numbered={1: kind, 2: kind})) as server:
        assert type(error_of(server.url)) is expected


def test_a_text_that_the_tokenizer_refuses_is_given_up():
    async def unspeakable(engine):
        return await vectors(engine, ["fine", "unspeakable"])

    with embedding_server(TEI) as server:
        error = error_of(server.url, unspeakable)
    assert type(error) is RowError
    assert error.message.endswith("answered 422 (Tokenizer): tokenization failed")


@pytest.mark.parametrize("dialect", [TEI, VLLM], ids=lambda one: one.name)
def test_a_vector_that_is_missing_is_noticed(dialect):
    with embedding_server(dialect) as server:

        async def one_missing(engine):
            server.missing = 1
            return await vectors(engine)

        error = error_of(server.url, one_missing)
    assert type(error) is BrokenStreamError
    assert error.message.endswith("sent 2 vectors for 3 texts")


def test_a_width_that_changes_is_noticed():
    with embedding_server(TEI) as server:

        async def another_model(engine):
            server.width = 12
            return await vectors(engine)

        error = error_of(server.url, another_model)
    assert type(error) is BrokenStreamError
    assert "a vector of 12 components where its first one had 8" in error.message


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([{"index": 0, "embedding": [1]}, {"index": 2, "embedding": [1]}], "wrong indices"),
        ([{"index": 0, "embedding": [1]}, {"index": 0, "embedding": [2]}], "wrong indices"),
        ([{"index": 0, "embedding": "AAAA"}], "no embeddings"),  # 3 bytes are no float32
        ([{"index": 0, "embedding": "?"}], "no embeddings"),
        ([{"index": 0}], "no embeddings"),
        ("none", "no embeddings"),
    ],
)
def test_embeddings_that_are_none_are_asked_for_again(data, said):
    answer = Answer(200, {}, json.dumps({"data": data}).encode())
    with pytest.raises(BrokenStreamError, match=said):
        read_object(Where("http://x"), answer)


def test_embeddings_without_an_index_are_in_order():
    body = b'{"data": [{"embedding": [1.0]}, {"embedding": [2.0]}]}'
    found = read_object(Where("http://x"), Answer(200, {}, body))
    assert [one.tolist() for one in found.vectors] == [[1.0], [2.0]]
    assert found.tokens is None


# through the pool


@contextlib.asynccontextmanager
async def over(*servers):
    """An embedder over servers, with the pool behind it."""
    engines = [await connect_embedding(one.url, RemoteEngineSpec()) for one in servers]
    served = pools.Served(tuple(one.url for one in servers))
    pool = pools.Pool(engines, served=served)
    try:
        yield pooled(pool.complete, engines), pool
    finally:
        await asyncio.gather(*(engine.close() for engine in engines))


def test_the_pool_splits_by_what_a_request_may_hold_and_keeps_the_order():
    texts = [f"text number {number}" for number in range(100)]

    async def main(server):
        async with over(server) as (embedder, pool):
            return embedder.model, await embedder.embed(texts), pool.tokens

    with embedding_server(TEI) as server:
        model, found, tokens = asyncio.run(main(server))
        assert [len(body["inputs"]) for body in server.bodies[1:]] == [32, 32, 32, 4]
    assert model == f"{MPNET}@{SHA}"
    assert found == [vector_of(text, 8) for text in texts]
    assert tokens == 300


def test_the_pool_asks_again_what_failed():
    faults = {1: "overloaded", 2: "garbage", 3: "reset_before", 4: "cut_json"}

    async def main(server):
        async with over(server) as (embedder, _):
            return await embedder.embed(["a", "b"])

    with embedding_server(VLLM, FaultPlan(numbered=faults)) as server:
        found = asyncio.run(main(server))
        assert sum(server.injected.values()) == 4
    assert found == [vector_of("a", 8), vector_of("b", 8)]


def test_texts_that_are_given_up_take_no_others_with_them_but_those_of_the_call():
    async def main(server):
        async with over(server) as (embedder, _):
            with pytest.raises(RowError, match="tokenization failed"):
                await embedder.embed(["fine", "unspeakable"])
            return await embedder.embed(["fine"])

    with embedding_server(TEI) as server:
        assert asyncio.run(main(server)) == [vector_of("fine", 8)]


def test_no_texts_are_no_request():
    async def never(prompt, params):
        raise AssertionError(prompt)

    assert asyncio.run(PooledEmbedder(never, "m", 4).embed([])) == []


def test_servers_of_different_models_are_refused_together():
    async def main(*servers):
        async with over(*servers):
            pass

    with (
        embedding_server(TEI) as one,
        embedding_server(TEI, width=12) as other,
        pytest.raises(EngineError, match="do not serve the same model"),
    ):
        asyncio.run(main(one, other))


def test_a_vector_goes_through_the_pool_bit_by_bit():
    bits = struct.pack("<4f", 0.1, -1e-38, 3.4e38, 1 / 3)
    vector = array("f", struct.unpack("<4f", bits))
    assert struct.pack("<4f", *unpacked(packed([vector]))[0]) == bits
