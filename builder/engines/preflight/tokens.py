"""Whether a server gets the tokens that the model was trained on, as far as it can be told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final, Protocol, TypeVar, runtime_checkable

from builder.engines.base import Engine, TellsTokens
from builder.engines.preflight.facts import Check, TokenFacts
from builder.errors import EngineError, RetryError, RowError
from builder.recipe.template import PromptTemplate

ASKED: Final = 4
"""Times that a server is asked for tokens before it counts as away: as often as for a row."""

FIRST_PAUSE: Final = 0.5
"""Seconds before a question is asked again, doubled each time."""

WRAPPED: Final = 3
"""Tokens more than ours from which on a prompt was wrapped. One too many is a doubled begin-of-text
token, two are that and a blank; the shortest chat wrappers add a role and two marks."""

QUESTION: Final = "What is a tide?"
"""Stands for an instruction in the prompt for a response."""

T = TypeVar("T")


@runtime_checkable
class CountsPrompts(Protocol):
    """What an engine adds whose server tells how many tokens a prompt became."""

    async def prompt_tokens(self, prompt: str) -> int | None:
        """The number of tokens that the model got for `prompt`; None: not told."""
        ...


@dataclass(frozen=True)
class Tokenizer:
    """The model's own tokenizer: `encode` adds no tokens; `special` are texts it never splits."""

    encode: Callable[[str], list[int]]
    special: tuple[str, ...] = ()


async def token_facts(
    engines: Sequence[Engine], template: PromptTemplate, tokenizer: Tokenizer | None
) -> TokenFacts:
    """Compare what each server makes of the prompts with what the tokenizer makes of them.

    Raises `EngineError` with both lists where they differ, where a begin-of-text token is doubled
    or missing, and where a special token is split.
    """
    told = [
        await _told_by(engine, template, tokenizer, server_name(number, len(engines)))
        for number, engine in enumerate(engines)
    ]
    known = told[0] if told else None
    if tokenizer is not None:
        known = tuple(tokenizer.encode(template.pre_query))
    count = _bos_count(known, template, tokenizer)
    by_server = bool(told) and None not in told
    checks = [
        _ids_check(known, by_server, len(told)),
        _bos_check(count, template, by_server),
        *([_special_check(template, tokenizer)] if tokenizer is not None else []),
    ]
    return TokenFacts(known, count, by_server, tuple(checks))


def server_name(number: int, servers: int) -> str:
    """How people read of a server: by its place in the list, as addresses are nobody's business."""
    return "the server" if servers == 1 else f"server {number + 1} of {servers}"


async def _told_by(
    engine: Engine, template: PromptTemplate, tokenizer: Tokenizer | None, name: str
) -> tuple[int, ...] | None:
    """The ids of the pre-query prompt by one server, after they were compared; None: not told."""
    answer = template.response_prompt(QUESTION)
    prompts = {"the pre-query prompt": template.pre_query, "the prompt for a response": answer}
    told = {what: await _ids_of(engine, prompt, name) for what, prompt in prompts.items()}
    for what, ids in told.items():
        if ids is not None and tokenizer is not None:
            refuse_other_ids(ids, prompts[what], template, tokenizer, f"{name} makes of {what}")
        elif ids is not None and template.bos and ids[:1] == ids[1:2]:
            raise EngineError(
                f"{name} puts two begin-of-text tokens before {what}: {ids}", mend=_DOUBLED
            )
    if tokenizer is not None:
        await _refuse_wrapped(engine, template.pre_query, tokenizer, name)
    ids = told["the pre-query prompt"]
    return None if ids is None else tuple(ids)


async def _ids_of(engine: Engine, prompt: str, name: str) -> list[int] | None:
    if not isinstance(engine, TellsTokens):
        return None
    return await _patiently(lambda: engine.token_ids(prompt), name)


async def _refuse_wrapped(engine: Engine, prompt: str, tokenizer: Tokenizer, name: str) -> None:
    """Raise when the server counts other than our tokens for a prompt."""
    if not isinstance(engine, CountsPrompts):
        return
    counted = await _patiently(lambda: engine.prompt_tokens(prompt), name)
    expected = len(tokenizer.encode(prompt))
    if counted is None or counted == expected:
        return
    seen = f"{name} counts {counted} tokens in the pre-query prompt, which has {expected}"
    if counted >= expected + WRAPPED:
        raise EngineError(f"{seen}: it puts a chat template around prompts", mend=RAW)
    raise EngineError(seen, mend=_DOUBLED if counted == expected + 1 else _OTHER_MODEL)


async def _patiently(ask: Callable[[], Awaitable[T]], name: str) -> T:
    """Ask again, after a pause, what may succeed later. Raises `EngineError` when it does not."""
    for number in range(ASKED):
        try:
            return await ask()
        except RetryError as error:
            reason = error.message
        except RowError as error:
            raise EngineError(f"{name} refuses the template: {error.message}") from error
        if number < ASKED - 1:
            await asyncio.sleep(FIRST_PAUSE * 2**number)
    raise EngineError(
        f"{name} was asked {ASKED} times for the tokens of a prompt: {reason}",
        mend="Bring it back, then run the same command again.",
    )


def refuse_other_ids(
    told: Sequence[int],
    prompt: str,
    template: PromptTemplate,
    tokenizer: Tokenizer,
    what: str,
) -> None:
    """Raise `EngineError` with both lists, and what to do, where they are not the same."""
    expected = tokenizer.encode(prompt)
    if list(told) == expected:
        return
    raise EngineError(
        f"{what} other tokens than the model's tokenizer does\n"
        f"  server:    {list(told)}\n"
        f"  tokenizer: {expected}",
        mend=_mend(list(told), expected, template, tokenizer),
    )


RAW: Final = (
    "Magpie needs the bare prompt to reach the model. Name an endpoint with raw completions: "
    "/v1/completions of vLLM, SGLang or llama.cpp, or /generate of text-generation-inference, "
    "and no chat or assistant service in front of it."
)
_DOUBLED: Final = (
    "It adds a begin-of-text token to one that is there already. Use a server that takes token "
    "ids or add_special_tokens: false (vLLM, SGLang), or write the template in the recipe with "
    "bos: and the token's text, so that it is left to the server."
)
_MISSING: Final = (
    "The begin-of-text token is lost on its way. Does the server load the tokenizer of the model, "
    "with its own add_bos_token setting?"
)
_OTHER_MODEL: Final = (
    "Does it serve the model and the revision that the recipe names (model.id, model.revision)? "
    "A converted model, such as a GGUF file, must hold the tokenizer of the original."
)


def _mend(
    told: list[int], expected: list[int], template: PromptTemplate, tokenizer: Tokenizer
) -> str:
    """What to do about ids that differ, from how they differ."""
    begin = tokenizer.encode(template.bos) if template.bos else told[: len(told) - len(expected)]
    if begin and told == begin + expected:
        return _DOUBLED
    if begin and begin + told == expected:
        return _MISSING
    for text, number in _single(template, tokenizer).items():
        if len(told) > len(expected) and told.count(number) < expected.count(number):
            return (
                f"It cuts {text} (id {number}) into pieces, as if it were plain text. Let the "
                "server parse special tokens in prompts, or use one that takes token ids."
            )
    return _OTHER_MODEL


def _single(template: PromptTemplate, tokenizer: Tokenizer) -> dict[str, int]:
    """The special tokens that the template writes, each with its id: those that are one id."""
    texts = f"{template.pre_query}{template.response_prefix}{template.response_suffix}"
    found = {text: tokenizer.encode(text) for text in tokenizer.special if text and text in texts}
    return {text: ids[0] for text, ids in found.items() if len(ids) == 1}


def _ids_check(known: tuple[int, ...] | None, by_server: bool, servers: int) -> Check:
    if known is None:
        return Check("tokens of the pre-query prompt", "nobody could tell", fine=False)
    who = "not told by the server, as the tokenizer says"
    if by_server:
        who = "as the server says" if servers == 1 else f"as each of {servers} servers says"
    return Check("tokens of the pre-query prompt", f"{len(known)}, {who}")


def _bos_count(
    known: tuple[int, ...] | None, template: PromptTemplate, tokenizer: Tokenizer | None
) -> int | None:
    """How many begin-of-text tokens stand at the beginning."""
    if known is None:
        return None
    if not template.bos:
        return 0
    begin = tokenizer.encode(template.bos)[:1] if tokenizer is not None else list(known[:1])
    return len(list(takewhile(lambda number: [number] == begin, known)))


def _bos_check(count: int | None, template: PromptTemplate, by_server: bool) -> Check:
    """Raises `EngineError` where the template's own text holds more than one."""
    wanted = 1 if template.bos else 0
    if count not in (None, wanted):
        raise EngineError(
            f"the pre-query template begins with {count} begin-of-text tokens, not {wanted}",
            mend="Write template.pre_query in the recipe with exactly one, and bos: with its text.",
        )
    if count is None:
        return Check("begin-of-text tokens", "nobody could tell", fine=False)
    return Check("begin-of-text tokens", f"{count}" + ("" if by_server else ", by the tokenizer"))


def _special_check(template: PromptTemplate, tokenizer: Tokenizer) -> Check:
    """Raises `EngineError` where the tokenizer itself cuts a special token of the template."""
    texts = f"{template.pre_query}{template.response_prefix}{template.response_suffix}"
    written = [text for text in tokenizer.special if text and text in texts]
    single = _single(template, tokenizer)
    for text in written:
        if text not in single:
            raise EngineError(
                f"the tokenizer makes {len(tokenizer.encode(text))} tokens of {text}, which its "
                f"files call a special token: {tokenizer.encode(text)}",
                mend="tokenizer.json and tokenizer_config.json do not fit: take both from the "
                "same revision of the model.",
            )
    if not single:
        return Check("special tokens", "the template writes none")
    found = ", ".join(f"{text} {number}" for text, number in single.items())
    return Check("special tokens", f"one id each: {found}")
