"""The built-in vectors: the same everywhere, alike for texts that are spelled alike."""

import asyncio
import hashlib
import random
from pathlib import Path

import numpy as np
import pytest

from builder.annotate.embedding import ANNOTATOR, EmbeddingOptions
from builder.annotate.vectors.lexical import NAME, WIDTH, encode
from builder.annotate.vectors.unit import unit

SENTENCE = "How do I remove a coffee stain from a white cotton shirt without any bleach?"
ODD = [
    SENTENCE,
    "x",
    "سؤال عن الطقس غدًا",
    "如何在家里种植番茄？",
    "👩‍👩‍👧 🪶",
    "a\x00b",
    "word " * 6000,
    "def f(x):\n    return x ** 2",
]


class Tools:
    base = Path()


def vectors(texts):
    return np.stack([np.frombuffer(one, "<f4") for one in unit(encode(texts))]).astype(float)


def distance(one, other):
    """Squared L2."""
    first, second = vectors([one, other])
    return float(((first - second) ** 2).sum())


def test_the_vectors_are_the_same_on_every_machine():
    stored = b"".join(unit(encode(ODD)))
    assert len(stored) == len(ODD) * WIDTH * 4
    assert hashlib.sha256(stored).hexdigest() == GOLDEN


def test_a_vector_does_not_depend_on_the_texts_beside_it():
    together = unit(encode(ODD))
    assert together == [unit(encode([text]))[0] for text in ODD]
    assert together[::-1] == unit(encode(ODD[::-1]))


def test_vectors_have_unit_length():
    assert np.abs(np.linalg.norm(vectors(ODD), axis=1) - 1).max() < 1e-6


@pytest.mark.parametrize(
    "same", [SENTENCE.upper(), f"  {SENTENCE}\n", SENTENCE.replace(" ", "\u00a0 ")]
)
def test_texts_that_fold_to_the_same_have_the_same_vector(same):
    first, second = unit(encode([SENTENCE, same]))
    assert first == second


@pytest.mark.parametrize(
    ("other", "least", "most"),
    [
        (SENTENCE.replace("?", "!"), 0.02, 0.15),
        (SENTENCE.replace("remove", "remvoe"), 0.05, 0.25),
        (SENTENCE.replace("coffee", "ketchup"), 0.1, 0.4),
        ("Write a limerick on a lighthouse keeper who has lost his dog.", 1.5, 2.3),
    ],
)
def test_distances_grow_with_what_is_changed(other, least, most):
    assert least < distance(SENTENCE, other) < most


def test_a_word_said_many_times_does_not_drown_the_others():
    assert distance(SENTENCE + " please" * 20, SENTENCE) < 1.0


def test_one_character_in_another_script_is_seen():
    assert 0 < distance("如何在家里种植番茄？", "如何在家里种植土豆？") < 1.2


def test_the_end_of_one_text_never_meets_the_begin_of_the_next():
    texts = ["ab", "cd", "abcd", "c", "d"]
    assert unit(encode(texts)) == [unit(encode([text]))[0] for text in texts]


def test_random_texts_are_about_at_right_angles():
    draw = random.Random(5)
    texts = ["".join(draw.choices("abcdefghijklmnop ", k=60)) for _ in range(50)]
    found = vectors(texts)
    products = found @ found.T - np.eye(50)
    assert np.abs(products).max() < 0.35


def test_the_annotator_gives_vectors_without_any_option():
    async def main():
        worker = await ANNOTATOR.start(EmbeddingOptions(), Tools())
        said = await worker.annotate([{"instruction": text} for text in [*ODD, "", "\ud800"]])
        await worker.close()
        return said

    said = asyncio.run(main())
    assert [one.get("embedding") for one in said[: len(ODD)]] == unit(encode(ODD))
    assert {one.get("embedding_model") for one in said[: len(ODD)]} == {NAME}
    assert "embedding_error" in said[-2]
    assert len(said[-1]["embedding"]) == WIDTH * 4


GOLDEN = "98b3bd4bfc061d814fb837b3420e5d52d6bd688f043ba8adf670e8a3c323c5c9"
