"""What a server's refusal means for us: status and `error_type` -> our error.

| status | error_type | our error |
|---|---|---|
| 429 | overloaded | `OverloadedError` |
| 424 | generation | `FailedGenerationError` |
| 500 | incomplete_generation | `BrokenStreamError` |
| 500 | any other | `FailedGenerationError` |
| 502, 503 | healthcheck, any | `UnavailableError` |
| 504, 408 | any | `StalledError`: something in between gave up waiting |
| 400, 413, 422 | validation, any | `RowError`: this request can never succeed |
| 401, 403, 407 | any | `EngineError`: the key |
| 404, 405 and the rest | any | `EngineError`: no such route |

The words of TGI's `error_type` are those of its source, `router/src/lib.rs`. An error inside a
stream has no status of its own, so its `error_type` decides alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from builder.engines.remote.exchange import Answer
from builder.errors import (
    BrokenStreamError,
    EngineError,
    FailedGenerationError,
    MagpieError,
    OverloadedError,
    RowError,
    StalledError,
    UnavailableError,
)

LONGEST = 300
"""Characters of a server's words that an error repeats."""

STATUS_OF = {
    "overloaded": 429,
    "generation": 424,
    "incomplete_generation": 500,
    "validation": 422,
    "healthcheck": 503,
}
"""`error_type` -> the status with which TGI sends it outside of a stream."""


@dataclass(frozen=True)
class Where:
    """The server that an error is about. `key` is never shown, `key_from` says where it is from."""

    address: str
    protocol: str = "text-generation-inference"
    key: str | None = field(default=None, repr=False)
    key_from: str | None = None


class _Words(msgspec.Struct):
    """How servers word an error: TGI {error, error_type}, OpenAI {error: {message}}, {detail}."""

    error: object = None
    error_type: str | None = None
    message: object = None
    detail: object = None


def refusal(where: Where, answer: Answer) -> MagpieError:
    """Return the error for an answer that is not 200."""
    words, error_type = _words_of(answer.body)
    return _error(where, answer.status, error_type, words)


def event_error(where: Where, message: object, error_type: str | None) -> MagpieError:
    """Return the error for an event {error, error_type} in a stream whose status was 200."""
    return _error(where, STATUS_OF.get(error_type or "", 500), error_type, _text(message))


def _error(where: Where, status: int, error_type: str | None, words: str) -> MagpieError:
    said = f"{where.address} answered {status}"
    said += f" ({error_type})" if error_type else ""
    said += f": {_one_line(words, where.key)}" if words.strip() else ""
    if status == 429:
        return OverloadedError(said)
    if status == 500 and error_type == "incomplete_generation":
        return BrokenStreamError(said)
    if status in (408, 504):
        return StalledError(said)
    if status in (424, 500):
        return FailedGenerationError(said)
    if status in (400, 413, 422):
        return RowError(said)
    if status > 500:
        return UnavailableError(said)
    return EngineError(said, mend=_mend(where, status))


def _mend(where: Where, status: int) -> str:
    if status in (401, 403, 407):
        if where.key_from is None:
            return (
                "It wants a key: put it into an environment variable and name that one, "
                "--set engine.api_key_env=NAME"
            )
        return f"The key from {where.key_from} is refused: renew it, or ask for access."
    if status in (404, 405):
        return f"Is it a {where.protocol} server? Look at engine.kind and engine.endpoint."
    return "Look at engine.endpoint: is this the address of the server itself?"


def _words_of(body: bytes) -> tuple[str, str | None]:
    try:
        words = msgspec.json.decode(body, type=_Words)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body[: 4 * LONGEST].decode("utf-8", "replace"), None
    for said in (words.error, words.message, words.detail):
        if said is not None:
            return _text(said), words.error_type
    return body[: 4 * LONGEST].decode("utf-8", "replace"), words.error_type


def _text(said: object) -> str:
    if isinstance(said, dict) and "message" in said:
        said = said["message"]
    return said if isinstance(said, str) else msgspec.json.encode(said).decode()


def _one_line(words: str, key: str | None) -> str:
    if key:
        words = words.replace(key, "[key]")
    line = " ".join(words.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
