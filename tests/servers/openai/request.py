"""Reading a completion request: its types, its limits, its prompts as token ids."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

from tests.servers.authors import Sampling, tokens
from tests.servers.openai.dialects import Dialect

DEFAULT_TOKENS = 16
"""Of vLLM and OpenAI alike."""


class AnsweredError(Exception):
    """An error of the server's: HTTP status, type, words."""

    def __init__(self, status: int, kind: str, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.kind = kind

    def body(self, dialect: Dialect) -> dict[str, Any]:
        inner = {"message": str(self), "type": self.kind, "param": None, "code": self.status}
        return {"object": "error", **inner} if dialect.flat_errors else {"error": inner}


def bad(words: str) -> AnsweredError:
    return AnsweredError(400, "BadRequestError", words)


@dataclass(frozen=True)
class Wanted:
    """A request that was let in."""

    prompts: list[list[int]]
    sampling: Sampling
    stops: tuple[str, ...]
    stream: bool
    usage: bool
    """Whether a stream ends with the figures."""
    special: bool
    """Whether the text shows special tokens."""


def read(body: dict[str, Any], dialect: Dialect, model: str, context: int) -> Wanted:
    """Let a request in, or raise an `AnsweredError`."""
    unknown = sorted(set(body) - dialect.known) if dialect.known is not None else []
    if unknown:
        raise bad(f"Unrecognized request argument supplied: {unknown[0]}")
    if body.get("model") not in (None, model):
        words = f"The model `{body['model']}` does not exist."
        raise AnsweredError(404, "NotFoundError", words)
    if dialect.seed == "refused" and body.get("seed") is not None:
        raise bad("Unrecognized request argument supplied: seed")
    sampling = _sampling(body, dialect)
    prompts = _prompts(body, dialect)
    for prompt in prompts:
        if len(prompt) + sampling.max_tokens > context:
            raise bad(
                f"This model's maximum context length is {context} tokens. However, you requested "
                f"{len(prompt) + sampling.max_tokens} tokens ({len(prompt)} in the messages, "
                f"{sampling.max_tokens} in the completion)."
            )
    told = body.get("stream_options") or {}
    return Wanted(
        prompts,
        sampling,
        _stops(body, dialect),
        stream=bool(body.get("stream")),
        usage=dialect.usage == "asked" and bool(told.get("include_usage")),
        special=body.get("skip_special_tokens") is False,
    )


def _number(body: dict[str, Any], name: str, kind: type, default: Any) -> Any:
    value = body.get(name)
    if value is None:
        return default
    right = isinstance(value, int | float) if kind is float else isinstance(value, int)
    if not right or isinstance(value, bool):
        raise bad(f"body -> {name}: Input should be a valid {kind.__name__}")
    return value


def _sampling(body: dict[str, Any], dialect: Dialect) -> Sampling:
    temperature = _number(body, "temperature", float, 1.0)
    top_p = _number(body, "top_p", float, 1.0)
    top_k = _number(body, "top_k", int, 0)
    most = _number(body, "max_tokens", int, DEFAULT_TOKENS)
    seed = _number(body, "seed", int, None)
    if temperature < 0:
        raise bad(f"temperature must be non-negative, got {temperature}.")
    if not 0 < top_p <= 1:
        raise bad(f"top_p must be in (0, 1], got {top_p}.")
    if most < 1:
        raise bad(f"max_tokens must be at least 1, got {most}.")
    if seed is None or dialect.seed == "ignored":
        seed = random.getrandbits(31)
    return Sampling(temperature, top_p, max(0, top_k), seed, most, _schema(body, dialect))


def _schema(body: dict[str, Any], dialect: Dialect) -> dict[str, Any] | None:
    """The schema in the one field for it that the server knows."""
    given = [name for name in dialect.schema_fields if body.get(name) is not None]
    if not given:
        return None
    if len(given) > 1:
        raise bad("You can only use one kind of constraints for structured outputs.")
    value = body[given[0]]
    if given[0] == "json_schema" and not isinstance(value, str):
        raise bad("body -> json_schema: Input should be a valid string")
    if given[0] == "structured_outputs":
        value = value["json"]
    elif given[0] == "response_format":
        value = value["json_schema"]["schema"]
    schema = json.loads(value) if isinstance(value, str) else dict(value)
    if dialect.sorts_keys:
        schema["properties"] = dict(sorted(schema["properties"].items()))
    return schema


def _stops(body: dict[str, Any], dialect: Dialect) -> tuple[str, ...]:
    told = body.get("stop") or []
    stops = [told] if isinstance(told, str) else told
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise bad("body -> stop: Input should be a valid string or list of strings")
    if "" in stops:
        raise bad("stop cannot contain an empty string.")
    if dialect.most_stops is not None and len(stops) > dialect.most_stops:
        raise bad(f"'stop' takes at most {dialect.most_stops} sequences, got {len(stops)}.")
    return tuple(stops)


def _prompts(body: dict[str, Any], dialect: Dialect) -> list[list[int]]:
    """The ids that the model gets for each prompt."""
    told = body.get("prompt")
    if told in (None, "", []):
        raise bad("Either prompt or prompt_embeds must be provided and non-empty.")
    several = isinstance(told, list) and not isinstance(told[0], int)
    return [_ids(one, body, dialect) for one in (told if several else [told])]


def _ids(prompt: Any, body: dict[str, Any], dialect: Dialect) -> list[int]:
    start = [tokens().bos]
    if isinstance(prompt, str):
        added = dialect.bos != "asked" or body.get("add_special_tokens", True)
        return (start if added else []) + tokens().encode(prompt, special=False)
    right = isinstance(prompt, list) and all(isinstance(one, int) for one in prompt)
    if not right or not dialect.takes_ids:
        raise bad("body -> prompt: Input should be a valid string")
    if not all(0 <= number < 4096 for number in prompt):
        raise bad(f"Token id {max(prompt)} is out of vocabulary")
    return [*(start if dialect.bos == "all" else []), *prompt]
