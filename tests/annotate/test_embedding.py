"""The embedding annotator: its options, its rows, and what becomes of those without a vector."""

import asyncio
import math
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from builder.annotate.base import Cost, ServerOptions
from builder.annotate.embedding import ANNOTATOR, EmbeddingOptions
from builder.annotate.vectors.served import Served
from builder.annotate.vectors.unit import unit
from builder.annotate.vectors.worker import EMPTY, EmbeddingWorker
from builder.errors import RowError


class OneEmbedder:
    """Tools with an embedder: 3 components, of lengths far from 1. It refuses the word "bad"."""

    base = Path()
    seed = 0
    model = "org/model@abc"

    def __init__(self):
        self.asked = []

    async def embedder(self, server):
        self.server = server
        return self

    async def embed(self, texts):
        self.asked.append(list(texts))
        if any("bad" in text for text in texts):
            raise RowError("the server answered 422: bad")
        known = {"nothing": [0.0] * 3, "nan": [math.nan, 1.0, 1.0], "huge": [3e38, 3e38, 0.0]}
        return [known.get(text, [3.0 * len(text), 0.0, -4.0 * len(text)]) for text in texts]


def annotated(texts, tools=None, **options):
    """What the annotator says of rows with these instructions."""

    async def main():
        worker = await ANNOTATOR.start(EmbeddingOptions(**options), tools or OneEmbedder())
        try:
            return await worker.annotate([{"instruction": text} for text in texts])
        finally:
            await worker.close()

    return asyncio.run(main())


def served(texts):
    tools = OneEmbedder()
    return annotated(texts, tools, backend="server", endpoint="http://localhost:1"), tools


def numbers(values):
    return np.frombuffer(values["embedding"], "<f4").tolist()


def fault(**options):
    """Where and what the fault in some options is."""
    with pytest.raises(ValidationError) as caught:
        EmbeddingOptions(**options)
    (detail,) = caught.value.errors()
    return detail["loc"], str(detail["ctx"]["error"])


# what it is


def test_it_reads_the_instruction_and_nobody_outside_the_run_sees_its_columns():
    assert ANNOTATOR.reads == ("instruction",)
    assert not ANNOTATOR.after_response
    assert {name: one.place for name, one in ANNOTATOR.columns.items()} == {
        "embedding": "run",
        "embedding_model": "run",
        "embedding_error": "raw",
    }
    assert ANNOTATOR.cost is Cost.VECTORS


# options


def test_it_is_lexical_unless_told_otherwise():
    assert EmbeddingOptions().backend == "lexical"


def test_an_option_of_another_backend_is_refused_with_the_backends_that_take_it():
    assert fault(endpoint="http://localhost:1") == (
        ("endpoint",),
        "the backend lexical takes no endpoint; leave it out, or write backend: server",
    )
    assert fault(backend="model2vec", revision="main") == (
        ("revision",),
        "the backend model2vec takes no revision; leave it out, or write backend: "
        "sentence-transformers",
    )
    assert fault(backend="server", endpoint="http://localhost:1", revision="x")[0] == ("revision",)


def test_a_server_needs_an_address():
    assert fault(backend="server") == (
        (),
        "the backend server needs an endpoint; write one address such as http://localhost:8081, "
        "or a list of them",
    )


def test_an_option_that_is_null_counts_as_left_out():
    assert EmbeddingOptions(model=None, api_key_env=None) == EmbeddingOptions()


def test_the_server_gets_its_own_options():
    tools = OneEmbedder()
    addresses = ["http://localhost:1", "http://localhost:2"]
    annotated(["a"], tools, backend="server", endpoint=addresses, model="m", concurrency=3)
    assert tools.server == ServerOptions(endpoint=addresses, model="m", concurrency=3)


# rows


def test_vectors_have_unit_length_whatever_the_backend_says():
    (values,), _ = served(["four"])
    assert numbers(values) == np.array([0.6, 0, -0.8], "f4").tolist()
    assert values["embedding_model"] == "org/model@abc"
    ((huge,), _) = served(["huge"])
    assert numbers(huge) == pytest.approx([0.5**0.5, 0.5**0.5, 0])


def test_an_empty_instruction_fails_with_a_reason_and_asks_nobody():
    said, tools = served(["", " \n\t", "\u3000", None])
    assert said == [{"embedding_error": EMPTY}] * 4
    assert tools.asked == []


def test_a_row_without_direction_fails_alone():
    said, tools = served(["fine", "nothing", "nan", "fine too"])
    assert [list(one) for one in said] == [
        ["embedding", "embedding_model"],
        ["embedding_error"],
        ["embedding_error"],
        ["embedding", "embedding_model"],
    ]
    assert said[1] == {
        "embedding_error": "the model gives the text a vector of zeros: it knows none of its words"
    }
    assert said[2] == {
        "embedding_error": "the model gives the text a vector with a component that is no number"
    }
    assert len(tools.asked) == 1


def test_a_batch_that_is_refused_is_halved_until_the_culprit_stands_alone():
    texts = ["a", "b", "c", "d", "e", "bad", "g", "h"]
    said, tools = served(texts)
    failed = [text for text, one in zip(texts, said, strict=True) if "embedding_error" in one]
    assert failed == ["bad"]
    assert said[5] == {"embedding_error": "the server answered 422: bad"}
    assert tools.asked == [
        texts,
        ["a", "b", "c", "d"],
        ["e", "bad", "g", "h"],
        ["e", "bad"],
        ["e"],
        ["bad"],
        ["g", "h"],
    ]


def test_lone_surrogates_are_replaced_and_pairs_become_their_character():
    _, tools = served(["a\ud800b", "\ud83d\ude00", "nul\x00", "مرحبا"])
    assert tools.asked == [["a\ufffdb", "😀", "nul\x00", "مرحبا"]]
    tools.asked[0][0].encode()


def test_closing_a_served_backend_leaves_the_pool_alone():
    asyncio.run(EmbeddingWorker(Served(OneEmbedder())).close())


# parts


def test_no_vectors_are_no_result():
    assert unit(np.zeros((0, 4), np.float32)) == []
