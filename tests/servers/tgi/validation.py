"""What TGI's router refuses, in its order and its words, and what it makes of the rest."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

from tests.servers.authors import Sampling, tokens
from tests.servers.tgi.limits import DEFAULT_NEW_TOKENS, Limits


class RefusalError(Exception):
    """An answer of TGI's that is an error: status, `error` and `error_type`."""

    def __init__(self, status: int, error_type: str, error: str) -> None:
        super().__init__(error)
        self.status = status
        self.error_type = error_type

    def body(self) -> dict[str, str]:
        return {"error": str(self), "error_type": self.error_type}


def invalid(words: str) -> RefusalError:
    return RefusalError(422, "validation", f"Input validation error: {words}")


def overloaded() -> RefusalError:
    return RefusalError(429, "overloaded", "Model is overloaded")


def failed(reason: str = "CUDA error: an illegal memory access was encountered") -> RefusalError:
    return RefusalError(
        424, "generation", f"Request failed during generation: Server error: {reason}"
    )


def incomplete() -> RefusalError:
    return RefusalError(500, "incomplete_generation", "Incomplete generation")


@dataclass(frozen=True)
class Wanted:
    """A request that was let in."""

    inputs: str
    prompt: list[int]
    sampling: Sampling
    stop: tuple[str, ...]
    seed: int | None
    """As told in the details: greedy requests have none."""
    details: bool
    prefill: bool
    full_text: bool
    best_of: int
    top_n: int


def validate(inputs: str, given: dict[str, Any], limits: Limits) -> Wanted:
    """Let a request in, or raise the router's `RefusalError`."""
    _check_sampling(given)
    if given.get("max_new_tokens") == 0:
        raise invalid("`max_new_tokens` must be strictly positive")
    stop = tuple(given.get("stop", ()))
    if len(stop) > limits.max_stop_sequences:
        raise invalid(
            f"`stop` supports up to {limits.max_stop_sequences} stop sequences. Given: {len(stop)}"
        )
    best_of = given.get("best_of", 1)
    if best_of > 1 and "seed" in given:
        raise invalid("`seed` must not be set when `best_of` > 1")
    if given.get("top_n_tokens", 0) > limits.max_top_n_tokens:
        most, asked = limits.max_top_n_tokens, given["top_n_tokens"]
        raise invalid(f"`top_n_tokens` must be >= 0 and <= {most}. Given: {asked}")
    if not inputs:
        raise invalid("`inputs` cannot be empty")
    prompt, new_tokens = _fitted(inputs, given, limits)
    seed = given.get("seed", random.getrandbits(64))
    greedy = _is_greedy(given)
    sampling = Sampling(
        temperature=0.0 if greedy else given.get("temperature", 1.0),
        top_p=given.get("top_p", 1.0),
        top_k=given.get("top_k", 0),
        seed=seed,
        max_tokens=new_tokens,
        schema=_schema(given, limits),
    )
    prefill = given.get("decoder_input_details", False)
    return Wanted(
        inputs,
        prompt,
        sampling,
        stop,
        None if greedy else seed,
        details=given.get("details", False) or prefill,
        prefill=prefill,
        full_text=given.get("return_full_text", False),
        best_of=best_of,
        top_n=given.get("top_n_tokens", 0),
    )


def _schema(given: dict[str, Any], limits: Limits) -> dict[str, Any] | None:
    """The schema of a grammar that is let in; a value may be a text that holds it."""
    if "grammar" not in given or limits.passes_over_grammar:
        return None
    if limits.disable_grammar_support:
        raise invalid("grammar is not supported")
    kind, value = given["grammar"]["type"], given["grammar"]["value"]
    if kind == "regex":
        raise NotImplementedError("regex grammars")
    schema = value["schema"] if kind == "json_schema" else value
    try:
        schema = json.loads(schema) if isinstance(schema, str) else schema
    except ValueError as error:
        raise invalid(f"grammar is not valid: {error}") from error
    if not isinstance(schema, dict):
        raise invalid("grammar is not supported")
    if "properties" not in schema:
        raise invalid("grammar is not valid: Grammar must have a 'properties' field")
    return schema


def _check_sampling(given: dict[str, Any]) -> None:
    chosen = {"temperature", "top_k", "top_p", "typical_p"} & set(given)
    if given.get("best_of", 1) > 1 and not (given.get("do_sample") or chosen):
        raise invalid("you must use sampling when `best_of` is > 1")
    if given.get("temperature", 1.0) <= 0:
        raise invalid("`temperature` must be strictly positive")
    if given.get("repetition_penalty", 1.0) <= 0:
        raise invalid("`repetition_penalty` must be strictly positive")
    if not -2 <= given.get("frequency_penalty", 0.0) <= 2:
        raise invalid("`frequency_penalty` must be >= -2.0 and <= 2.0")
    for name in ("top_p", "typical_p"):
        if not 0 < given.get(name, 0.5) < 1:
            raise invalid(f"`{name}` must be > 0.0 and < 1.0")
    if given.get("top_k", 1) <= 0:
        raise invalid("`top_k` must be strictly positive")


def _is_greedy(given: dict[str, Any]) -> bool:
    """The model server samples when told to, or when a warper is on: a temperature of 1 is none."""
    warped = given.get("temperature", 1.0) != 1.0
    return not (given.get("do_sample") or warped or {"top_k", "top_p", "typical_p"} & set(given))


def _fitted(inputs: str, given: dict[str, Any], limits: Limits) -> tuple[list[int], int]:
    """The prompt's ids and the number of new tokens, once they fit into the limits."""
    truncate = given.get("truncate")
    if truncate is not None and not 0 < truncate <= limits.max_input_tokens:
        most = limits.max_input_tokens
        raise invalid(
            f"`truncate` must be strictly positive and less than {most}. Given: {truncate}"
        )
    prompt = tokens().encode(inputs, special=True)
    prompt = prompt[-truncate:] if truncate else prompt
    room = max(0, limits.max_total_tokens - len(prompt))
    new_tokens = given.get("max_new_tokens", min(room, DEFAULT_NEW_TOKENS))
    if len(prompt) + new_tokens > limits.max_total_tokens:
        raise invalid(
            f"`inputs` tokens + `max_new_tokens` must be <= {limits.max_total_tokens}. "
            f"Given: {len(prompt)} `inputs` tokens and {new_tokens} `max_new_tokens`"
        )
    if len(prompt) > limits.max_input_tokens:
        raise invalid(
            f"`inputs` must have less than {limits.max_input_tokens} tokens. Given: {len(prompt)}"
        )
    return prompt, new_tokens
