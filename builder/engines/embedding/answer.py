"""What servers answer to a list of texts, by either route, and how it goes through the pool.

    POST /embed            [[0.1, ...], ...]                            text-embeddings-inference
    POST /v1/embeddings    {"data": [{"index": 0, "embedding": ...}]}   OpenAI, vLLM, llama.cpp, TEI

An embedding is a list of numbers, or base64 of little-endian float32 where that was asked for. A
number that is none (NaN) is null in TEI's JSON; it stays in the vector, so that the text fails to
which it belongs and no other.
"""

from __future__ import annotations

import base64
import binascii
import math
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from builder.engines.remote.errors import Where
from builder.engines.remote.http import Answer
from builder.errors import BrokenStreamError

Vector: TypeAlias = "array[float]"
"""float32, in the machine's own order of bytes."""

TOKENS_HEADER: Final = "x-compute-tokens"
"""In which TEI says how many tokens it made of all texts (its router/src/lib.rs)."""


@dataclass(frozen=True)
class Vectors:
    """Vectors in the order of their texts. `tokens` is how many the server read; None: untold."""

    vectors: tuple[Vector, ...]
    tokens: int | None


class _Embedding(msgspec.Struct):
    embedding: str | list[float | None]
    index: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None


class _Embeddings(msgspec.Struct):
    data: list[_Embedding]
    usage: _Usage | None = None


_LISTS: Final = msgspec.json.Decoder(list[list[float | None]])
_OBJECT: Final = msgspec.json.Decoder(_Embeddings)
_TEXTS: Final = msgspec.json.Decoder(list[str])


def read_lists(where: Where, answer: Answer) -> Vectors:
    """Read an answer of `/embed`. Raises `BrokenStreamError` for what is none."""
    try:
        lists = _LISTS.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _broken(where, answer, error) from error
    told = answer.headers.get(TOKENS_HEADER, "")
    tokens = int(told) if told.isdecimal() else None
    return Vectors(tuple(_of_numbers(one) for one in lists), tokens)


def read_object(where: Where, answer: Answer) -> Vectors:
    """Read an answer of `/v1/embeddings`. Raises `BrokenStreamError` for what is none."""
    try:
        told = _OBJECT.decode(answer.body)
        data = sorted(enumerate(told.data), key=lambda one: _place(*one))
        vectors = tuple(_vector(one.embedding) for _, one in data)
    except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error, ValueError) as error:
        raise _broken(where, answer, error) from error
    if [_place(number, one) for number, one in data] != list(range(len(data))):
        raise BrokenStreamError(f"{where.address} answered embeddings with wrong indices")
    return Vectors(vectors, told.usage.prompt_tokens if told.usage else None)


def packed(vectors: Sequence[Vector]) -> str:
    """Vectors as the text of a completion: a JSON list of base64. `unpacked` takes it."""
    texts = [base64.b64encode(_swapped(one).tobytes()).decode() for one in vectors]
    return msgspec.json.encode(texts).decode()


def unpacked(text: str) -> list[list[float]]:
    """The vectors of `packed`."""
    return [_of_base64(one).tolist() for one in _TEXTS.decode(text)]


def _place(number: int, one: _Embedding) -> int:
    return number if one.index is None else one.index


def _vector(told: str | list[float | None]) -> Vector:
    return _of_base64(told) if isinstance(told, str) else _of_numbers(told)


def _of_numbers(numbers: Sequence[float | None]) -> Vector:
    return array("f", [math.nan if number is None else number for number in numbers])


def _of_base64(text: str) -> Vector:
    """Raises `ValueError` for what is no base64, or no whole number of float32."""
    return _swapped(array("f", base64.b64decode(text, validate=True)))


def _swapped(vector: Vector) -> Vector:
    """From the machine's order of bytes to little-endian, or back."""
    if sys.byteorder == "big":
        vector = vector[:]
        vector.byteswap()
    return vector


def _broken(where: Where, answer: Answer, error: Exception) -> BrokenStreamError:
    said = " ".join(answer.body[:80].decode("utf-8", "replace").split())
    return BrokenStreamError(f"{where.address} sent no embeddings: {said!r} ({error})")
