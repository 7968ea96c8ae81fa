"""What an annotator is: a declaration that anybody can read, and a worker that is started late.

An annotator is one module of this package whose `ANNOTATOR` says which columns it reads and
writes, what it needs and what a recipe may tell it. Nothing heavy is imported until `start`. What
lies outside of it, a judge, a server, a tokenizer, comes to it through `Tools`: it knows no
engine, no pool and no recipe. A journal, resuming, retries and accounting are done around it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Protocol

import polars as pl
from pydantic import BeforeValidator, Field

from builder.spec import Spec, one_or_many

Row = Mapping[str, Any]
"""A row as far as it has come: column name -> value."""

Values = dict[str, object]
"""What an annotator says of one row: values of its own columns."""

FAILED: Final = "_error"
"""Name of an annotator + this: the column that says why it failed on a row, null where not."""


class Needs(Enum):
    """What an annotator cannot do without, told before it is started."""

    NOTHING = "nothing"
    JUDGE = "the recipe's judge, or else its own model"
    SERVER = "a server at an endpoint"
    MODEL = "a model that is loaded into this process"


class Cost(IntEnum):
    """What a row costs. Cheaper annotators come first, so that dearer ones see fewer rows."""

    FREE = 0  # microseconds to milliseconds of one core
    VECTORS = 1  # an embedding
    TOKENS = 2  # tokens of a language model


@dataclass(frozen=True)
class Output:
    """A column that an annotator writes.

    `place` says who gets to see it: readers of `filtered` and `raw`, readers of `raw` alone, or
    nobody outside of the run.
    """

    kind: pl.DataType
    meaning: str
    place: Literal["filtered", "raw", "run"] = "filtered"


class Options(Spec):
    """What a recipe may tell an annotator. This one takes nothing."""


class ServerOptions(Options):
    """An annotator that asks a server of its own."""

    endpoint: Annotated[tuple[str, ...], BeforeValidator(one_or_many)] = Field(
        min_length=1, description="one address such as http://localhost:8081, or a list of them"
    )
    """Addresses of servers that run already and serve the same model, http or https."""
    model: str | None = Field(default=None, min_length=1, description="a name that it serves")
    """The name in requests and on the card. None: what the server says of itself."""
    api_key_env: str | None = Field(
        default=None, pattern=r"[A-Za-z_]\w*", description="the name of an environment variable"
    )
    """It holds the key for the server; a recipe never does."""
    concurrency: int | None = Field(
        default=None, ge=1, le=65_536, description="a whole number from 1 to 65536"
    )
    """Requests in flight at once. None: what the server bears."""


@dataclass(frozen=True)
class Question:
    """What a judge is asked: a user turn, and the words with which its reply begins.

    `schema` is the JSON schema (as text) that the reply has to fit; a judge that cannot be held
    to one ignores it. `temperature` 0 is greedy; `seed` lies in 0 to 2**31 - 1.
    """

    text: str
    max_tokens: int
    prefill: str = ""
    schema: str | None = None
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Reply:
    """What a model wrote, without the prefill, and how it ended."""

    text: str
    finish_reason: Literal["stop", "length"]


class Judge(Protocol):
    """A language model that answers questions."""

    @property
    def model(self) -> str:
        """Its name on the card."""
        ...

    @property
    def constrained(self) -> bool:
        """Whether its reply fits the schema that a question gives."""
        ...

    async def ask(self, question: Question) -> Reply:
        """Raises `RowError` when this question cannot be answered."""
        ...


class Chat(Protocol):
    """A model behind a server that puts its own chat template around turns."""

    @property
    def model(self) -> str:
        """Its name on the card."""
        ...

    async def chat(self, turns: Sequence[tuple[str, str]], max_tokens: int) -> Reply:
        """Answer (role, content) turns greedily. Raises `RowError`."""
        ...


class Writer(Protocol):
    """A base model behind a server: it goes on with a text."""

    @property
    def model(self) -> str:
        """Its name on the card."""
        ...

    async def write(self, prompt: str, max_tokens: int, stop: tuple[str, ...]) -> Reply:
        """Go on with `prompt` greedily. Raises `RowError`."""
        ...


class Scorer(Protocol):
    """A reward model behind a server."""

    @property
    def model(self) -> str:
        """Its name on the card."""
        ...

    async def score(self, instruction: str, response: str) -> float:
        """The reward of an answer. Raises `RowError`."""
        ...


class Embedder(Protocol):
    """An embedding model behind a server."""

    @property
    def model(self) -> str:
        """Its name on the card."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector for each text, all of one width. Raises `RowError`."""
        ...


class Tools(Protocol):
    """What an annotator may use while it works. All of it is counted, bounded and retried."""

    base: Path
    """The folder that paths in the recipe are relative to."""
    seed: int
    """The recipe's."""

    async def judge(self) -> Judge:
        """The judge of the recipe."""
        ...

    async def chat(self, server: ServerOptions) -> Chat:
        """A chat model. Raises `EngineError` where the server has none."""
        ...

    async def writer(self, server: ServerOptions) -> Writer:
        """A base model. Raises `EngineError` where the server has none."""
        ...

    async def scorer(self, server: ServerOptions) -> Scorer:
        """A reward model. Raises `EngineError` where the server has none."""
        ...

    async def embedder(self, server: ServerOptions) -> Embedder:
        """An embedding model. Raises `EngineError` where the server has none."""
        ...

    def tokenizer(self) -> Callable[[str], list[int]] | None:
        """The tokenizer of the recipe's model; None where it has none that can be read."""
        ...

    def data_files(self, name: str) -> Sequence[Path]:
        """The files of a data set: a file, a folder, or `ORG/NAME` on the Hub, downloaded.

        Raises `UsageError` where there is none.
        """
        ...


class Worker(Protocol):
    """An annotator at work."""

    async def annotate(self, rows: Sequence[Row]) -> Sequence[Values]:
        """Say of each row the values of the declared columns; a column that is left out is null.

        A row on which it fails alone gets the reason under `NAME_error`, and what helps to
        understand it. A `RowError` says so of all of them.
        """
        ...

    async def close(self) -> None:
        """Let go of what was loaded."""
        ...


@dataclass(frozen=True)
class Annotator:
    """The declaration of an annotator.

    `version` changes whenever the same row may get another value: rows are then annotated anew.
    `reads` are columns of a row; naming `response` among them puts it after the response. `batch`
    is how many rows it takes at once. `start` gets what the recipe says, of the type `options`; it
    is None where the columns are known only once all rows are there, and selecting writes them.
    `packages` gives what has to be installed for these options: import name -> our extra.
    """

    name: str
    version: int
    summary: str
    reads: tuple[str, ...]
    writes: Mapping[str, Output]
    start: Callable[[Any, Tools], Awaitable[Worker]] | None
    options: type[Options] = Options
    needs: Needs = Needs.NOTHING
    cost: Cost = Cost.FREE
    batch: int = 1
    packages: Callable[[Any], Mapping[str, str]] = lambda options: {}  # noqa: ARG005

    @property
    def after_response(self) -> bool:
        """Whether it can say nothing before the response is there."""
        return any(column in _OF_RESPONSE for column in self.reads)

    @property
    def columns(self) -> dict[str, Output]:
        """All columns that it writes, with that of its failures."""
        why = Output(pl.String(), f"why `{self.name}` failed on the row", "raw")
        return {**self.writes, f"{self.name}{FAILED}": why}


_OF_RESPONSE: Final = frozenset({"response", "response_length", "response_tokens", "finish_reason"})


class Pure:
    """A worker that computes: `say` is asked about one row after the other, in a thread."""

    def __init__(self, say: Callable[[Row], Values]) -> None:
        self._say = say

    async def annotate(self, rows: Sequence[Row]) -> Sequence[Values]:
        """See `Worker.annotate`."""
        return await asyncio.to_thread(lambda: [self._say(row) for row in rows])

    async def close(self) -> None:
        """See `Worker.close`."""
