"""What servers of `/v1/completions` do differently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

GREETING = "Hello! How can I help you today?"


@dataclass(frozen=True)
class Dialect:
    """One way to serve. The defaults are vLLM's."""

    name: str
    owner: str = "vllm"
    bos: Literal["asked", "texts", "all"] = "asked"
    """Where a BOS is added: `asked` to texts unless add_special_tokens is false; `texts` to texts,
    whatever the request says; `all` to token ids as well."""
    takes_ids: bool = True
    tokenizes: bool = True
    """Whether `/tokenize` is there."""
    usage: Literal["asked", "never"] = "asked"
    """`asked`: in a stream only with stream_options.include_usage, else always."""
    seed: Literal["kept", "ignored", "refused"] = "kept"
    finish_reason: bool = True
    """Without, it is null even in the last chunk."""
    ends: bool = True
    """Without, an end-of-turn token ends nothing: the text goes on to the limit."""
    reply: str | None = None
    """What a chat wrapper answers to any raw prompt."""
    stop_field: str | None = "stop_reason"
    """The name under which the last choice tells what stopped it."""
    flat_errors: bool = False
    """{"object": "error", "message"} instead of {"error": {"message"}}."""
    known: frozenset[str] | None = None
    """The only fields of a request that are taken; another one is a 400. None: all are."""
    most_stops: int | None = None
    schema_fields: tuple[str, ...] = ("structured_outputs", "response_format")
    """Fields that hold a text to a JSON schema, as `openai.request` reads them; in a server that
    takes others too they change nothing."""
    sorts_keys: bool = False


OPENAIS_OWN = frozenset(
    {
        "model", "prompt", "max_tokens", "temperature", "top_p", "seed", "stop", "stream",
        "stream_options", "n", "echo", "logprobs", "user", "best_of", "suffix", "logit_bias",
        "presence_penalty", "frequency_penalty",
    }
)  # fmt: skip

VLLM = Dialect("vllm")
SGLANG = Dialect(
    "sglang",
    owner="sglang",
    bos="texts",
    tokenizes=False,
    stop_field="matched_stop",
    flat_errors=True,
    schema_fields=("json_schema", "response_format"),
)
STRICT = Dialect(
    "strict",
    owner="someone",
    bos="texts",
    takes_ids=False,
    tokenizes=False,
    stop_field=None,
    known=OPENAIS_OWN,
    most_stops=4,
    schema_fields=(),
)
"""Takes OpenAI's own fields and four stops, adds a BOS and tells nothing of its tokens."""
CHAT_WRAPPER = Dialect(
    "chat_wrapper", owner="someone", takes_ids=False, tokenizes=False, reply=GREETING
)
NO_USAGE = Dialect("no_usage", tokenizes=False, usage="never")
NO_SEED = Dialect("no_seed", tokenizes=False, seed="ignored")
REFUSES_SEED = Dialect("refuses_seed", tokenizes=False, seed="refused")
NO_FINISH_REASON = Dialect("no_finish_reason", tokenizes=False, finish_reason=False)
DOUBLES_BOS = Dialect("doubles_bos", bos="all")
ENDLESS = Dialect("endless", ends=False)
OLD_VLLM = Dialect("old_vllm", schema_fields=("guided_json",))
RESPONSE_FORMAT = Dialect("response_format", tokenizes=False, schema_fields=("response_format",))
NO_SCHEMA = Dialect("no_schema", tokenizes=False, schema_fields=())
"""Takes any field and passes over those for a schema."""
SORTS_KEYS = Dialect("sorts_keys", tokenizes=False, sorts_keys=True)
"""Holds a text to a schema, with its keys in the order of the alphabet."""

DIALECTS = {
    dialect.name: dialect
    for dialect in (
        VLLM,
        SGLANG,
        STRICT,
        CHAT_WRAPPER,
        NO_USAGE,
        NO_SEED,
        REFUSES_SEED,
        NO_FINISH_REASON,
        DOUBLES_BOS,
        ENDLESS,
        OLD_VLLM,
        RESPONSE_FORMAT,
        NO_SCHEMA,
        SORTS_KEYS,
    )
}
