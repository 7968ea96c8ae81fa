"""Completions of text-generation-inference that are held to a JSON schema: its `grammar`.

It takes grammars since version 1.4.3 (its guide "Guidance"); before, it passes over the field. A
server that was started with `--disable-grammar-support` answers 422, "grammar is not supported",
and `/info` tells nothing of it: so it is asked.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from builder.engines.constraint import SAMPLE, SAMPLE_TOKENS, Schema, is_held
from builder.engines.remote.asking import patiently
from builder.engines.remote.errors import Where, refusal
from builder.engines.remote.http import Answer, Server
from builder.errors import EngineError, RetryError

ASK: Final = "A magpie and a jay as JSON: "


class _Written(msgspec.Struct):
    generated_text: str


_decode = msgspec.json.Decoder(list[_Written] | _Written).decode


def grammar_of(schema: Schema) -> dict[str, Any]:
    """The parameter that holds a completion to a schema (`GrammarType` in TGI's OpenAPI)."""
    return {"type": "json", "value": schema}


async def takes_grammars(server: Server, where: Where, seconds: float) -> bool:
    """Whether a server holds a completion to a schema, and keeps the order of its keys.

    One that is too busy to say so within some seconds, or within `seconds` at once, is taken not
    to: a judge then asks for JSON in words, which works with any server.
    """
    asked = {"max_new_tokens": SAMPLE_TOKENS, "do_sample": False, "grammar": grammar_of(SAMPLE)}
    body = msgspec.json.encode({"inputs": ASK, "parameters": asked})

    async def ask() -> Answer:
        answer = await server.ask("POST", "", body, seconds=seconds)
        error = None if answer.status == 200 else refusal(where, answer)
        if isinstance(error, RetryError):
            raise error
        return answer

    try:
        answer = await patiently(ask)
        written = _decode(answer.body) if answer.status == 200 else []
    except (EngineError, msgspec.DecodeError, UnicodeDecodeError):
        return False
    told = written if isinstance(written, list) else [written]
    return bool(told) and is_held(told[0].generated_text)
