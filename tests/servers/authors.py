"""Who writes the tokens behind a test server.

`ScriptedAuthor` needs no model: the text follows from the prompt and the sampling alone.
`LlamaAuthor` is the demo model in llama.cpp, a token at a time. Both cut text into tokens with
the demo model's tokenizer, and both write the end-of-turn token as a token of its own. Held to a
JSON schema both write a value that fits it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import time
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import builder.demo_model

MODEL_FOLDER = Path(builder.demo_model.__file__).parent


@dataclass(frozen=True)
class Sampling:
    """How to sample: `temperature` 0 is greedy, `top_k` 0 and `top_p` 1 are off."""

    temperature: float
    top_p: float
    top_k: int
    seed: int
    max_tokens: int
    schema: dict[str, Any] | None = None
    """The JSON schema that the text has to fit."""


@dataclass(frozen=True, slots=True)
class Written:
    """One token as the model wrote it. `text` is empty inside a character of several tokens."""

    id: int
    text: str
    logprob: float


class Author(Protocol):
    """Writes until its model ends the turn, or for `max_tokens`. `slots` is how many at once."""

    slots: int

    def write(self, prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Written]: ...

    def close(self) -> None: ...


class Tokens:
    """The demo model's tokenizer, and which of its tokens are special or end a turn."""

    def __init__(self, folder: Path = MODEL_FOLDER) -> None:
        from tokenizers import Tokenizer

        settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        generation = json.loads((folder / "generation_config.json").read_text(encoding="utf-8"))
        added = settings["added_tokens_decoder"].items()
        self.special = {int(number): token["content"] for number, token in added}
        self.ends = frozenset(generation["eos_token_id"])
        self.bos = generation["bos_token_id"]
        self.end_of_turn = max(self.ends)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    def encode(self, text: str, *, special: bool) -> list[int]:
        """The ids of a text; `special` puts a BOS before it, also before one that is there."""
        return list(self._tokenizer.encode(text, add_special_tokens=special).ids)

    def pieces(self, text: str, *, special: bool) -> list[tuple[int, int, int]]:
        """(id, start, stop) of each token, in characters of the text."""
        cut = self._tokenizer.encode(text, add_special_tokens=special)
        return [(number, *span) for number, span in zip(cut.ids, cut.offsets, strict=True)]

    def text(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False))


@cache
def tokens() -> Tokens:
    return Tokens()


class ScriptedAuthor:
    """Deterministic and fast. `rate` is tokens a second of one text; None: as fast as it goes."""

    def __init__(self, slots: int = 32, rate: float | None = None, words: int = 40) -> None:
        self.slots = slots
        self.rate = rate
        self.words = words
        """Words of a text on average."""

    async def write(self, prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Written]:
        draw = random.Random(_digest(prompt, sampling))
        text = invented(draw, self.words)
        if sampling.schema is not None:
            text = json.dumps(fitting(sampling.schema, draw), ensure_ascii=False)
        pieces = tokens().pieces(text, special=False)
        started = time.monotonic()
        for count, (number, start, stop) in enumerate(pieces):
            await self._pace(started, count + 1)
            yield Written(number, text[start:stop], -2 * draw.random())
        await self._pace(started, len(pieces) + 1)
        yield Written(tokens().end_of_turn, tokens().special[tokens().end_of_turn], -0.1)

    async def _pace(self, started: float, count: int) -> None:
        """Wait until the token's moment; the moments do not drift when one of them is late."""
        left = 0.0 if self.rate is None else started + count / self.rate - time.monotonic()
        await asyncio.sleep(max(0.0, left))

    def close(self) -> None:
        pass


def _digest(prompt: Sequence[int], sampling: Sampling) -> bytes:
    how: Any = "greedy" if sampling.temperature == 0 else sampling
    if isinstance(how, Sampling):
        how = (how.temperature, how.top_p, how.top_k, how.seed)
    return hashlib.sha256(repr((list(prompt), how)).encode()).digest()


STARTS = ("How do I", "Why does", "Write", "Could you", "Give me", "What makes", "Is it true that")
THINGS = (
    "a wooden boat", "the night sky", "my old bicycle", "a small garden", "the tax form",
    "a school play", "two noisy neighbours", "a map of the coast", "the second violin",
    "an honest review", "fresh bread", "the last train", "a very long queue", "seven candles",
)  # fmt: skip
LINKS = ("and", "without", "next to", "instead of", "because of", "before", "like", "after")


def invented(draw: random.Random, words: int) -> str:
    """Some text of about `words` words, now and then on several lines."""
    goal, text = draw.randint(1, 2 * words), ""
    while len(text.split()) < goal:
        links = f"{draw.choice(THINGS)} {draw.choice(LINKS)} {draw.choice(THINGS)}"
        gap = "" if not text else "\n\n" if draw.random() < 0.05 else " "
        text += f"{gap}{draw.choice(STARTS)} {links} {draw.randint(2, 9999)}?"
    return text


def fitting(schema: dict[str, Any], draw: random.Random) -> Any:
    """Some value that fits a schema; its keys are in the schema's order."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return draw.choice(schema["enum"])
    match schema["type"]:
        case "object":
            return {name: fitting(part, draw) for name, part in schema["properties"].items()}
        case "array":
            number = draw.randint(schema.get("minItems", 0), schema.get("maxItems", 3))
            return [fitting(schema["items"], draw) for _ in range(number)]
        case "string":
            return f"{draw.choice(STARTS)} {draw.choice(THINGS)}?"[: schema.get("maxLength")]
        case "boolean":
            return draw.random() < 0.5
        case "integer":
            return draw.randint(schema.get("minimum", 0), schema.get("maximum", 10))
    raise NotImplementedError(schema)


COMPACT = {
    "x-guidance": {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
}
"""Has llama.cpp write no more white space than TGI admits, which is a blank."""


class LlamaAuthor:
    """The demo model. llama.cpp calls back in a thread of its own for each token."""

    def __init__(self, slots: int = 8, context: int = 2048, threads: int = 1) -> None:
        from builder.engines.llama_child import start_server

        self.slots = slots
        model = str(MODEL_FOLDER / "model.gguf")
        settings = {"model": model, "slots": slots, "context": context, "threads": threads}
        self._server = start_server(settings)
        self._threads = ThreadPoolExecutor(slots)

    async def write(self, prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Written]:
        loop = asyncio.get_running_loop()
        arrived: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        gone = False

        def take(chunk: dict[str, Any]) -> bool:
            """Hand a chunk to the event loop; True tells llama.cpp to stop."""
            if not gone:
                loop.call_soon_threadsafe(arrived.put_nowait, chunk)
            return gone

        request = _llama_request(prompt, sampling)
        done = loop.run_in_executor(self._threads, self._server.handle_completions, request, take)
        done.add_done_callback(lambda _: arrived.put_nowait(None))
        try:
            while (chunk := await arrived.get()) is not None:
                if "error" in chunk:
                    raise RuntimeError(chunk["error"]["message"])
                for written in _written(chunk):
                    yield written
            done.result()
        finally:
            gone = True

    def close(self) -> None:
        self._threads.shutdown(wait=True)


def _llama_request(prompt: Sequence[int], sampling: Sampling) -> dict[str, Any]:
    greedy = sampling.temperature == 0
    schema = sampling.schema
    held = {} if schema is None else {"json_schema": {**schema, **COMPACT}}
    return held | {
        "prompt": list(prompt),
        "stream": True,
        "logprobs": 1,  # tells the id of each token
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": 1.0 if greedy else sampling.top_p,
        "top_k": 1 if greedy else sampling.top_k,
        "min_p": 0.0,
        "seed": sampling.seed % (2**32 - 1),  # the value left out means "random"
        "cache_prompt": False,
    }


def _written(chunk: dict[str, Any]) -> list[Written]:
    """The tokens of a chunk of llama.cpp's.

    It holds a character of several tokens back until the last one and tells only that one's id;
    the others are found by cutting the character anew, and get no text, as in TGI.
    """
    choice = chunk["choices"][0]
    told = (choice["logprobs"] or {}).get("content") or []
    if not told:
        return []
    last = Written(told[-1]["id"], choice["text"], told[-1]["logprob"])
    if len(choice["text"].encode()) <= len(told[-1]["bytes"]):
        return [last]
    held = tokens().encode(choice["text"], special=False)[:-1]
    return [*(Written(number, "", last.logprob) for number in held), last]
