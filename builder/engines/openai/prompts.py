"""How prompts are sent so that the model gets exactly the template's tokens.

Token ids are best: nothing is added to them. Where a server takes only text, it may put a
begin-of-text token in front by itself, or not, or be told not to; which one is seen from the
number of tokens that it counts in a prompt whose tokens are known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from builder.engines.openai.trial import Fields, Trial
from builder.engines.preflight.tokens import RAW, WRAPPED
from builder.engines.remote.model import RemoteModel
from builder.errors import EngineError, TemplateError

SAMPLE: Final = "Why do the tides turn twice a day, and what is 日本 doing in §3.14?"
"""Some text that tokenizers of different models cut differently."""


class Way(Enum):
    """A way to send a prompt."""

    IDS = "token ids"
    FLAG = "text, with add_special_tokens false"
    LEFT = "text, the begin-of-text token left to the server"
    TEXT = "text, with the begin-of-text token"


@dataclass(frozen=True)
class Prompts:
    """Sends prompts in one way. `bos` is the template's begin-of-text token, maybe ''.

    `encode` is the model's own tokenizer, None where it has none. `checked` says whether the
    server counted as many tokens as the tokenizer did.
    """

    way: Way
    bos: str
    encode: Callable[[str], list[int]] | None
    checked: bool

    def fields(self, prompt: str) -> dict[str, Any]:
        """The fields of a request that send a prompt."""
        if self.way is Way.IDS:
            assert self.encode is not None
            return {"prompt": self.encode(prompt)}
        text = prompt.removeprefix(self.bos) if self.way is Way.LEFT else prompt
        flag = {"add_special_tokens": False} if self.way is Way.FLAG else {}
        return {"prompt": text} | flag

    def size(self, prompt: str) -> int | None:
        """How many tokens the model gets for a prompt; None: unknown."""
        return None if self.encode is None else len(self.encode(prompt))

    async def token_ids(self, prompt: str, tokenize: Tokenize) -> list[int] | None:
        """The ids that the model gets for a prompt; None: nobody tells."""
        if self.way is Way.IDS:
            assert self.encode is not None
            return self.encode(prompt)
        if self.way is Way.LEFT:
            return await tokenize.ids(prompt.removeprefix(self.bos), added=True)
        return await tokenize.ids(prompt, added=False)


def tokenizer_of(model: RemoteModel) -> Callable[[str], list[int]] | None:
    """The model's tokenizer; None where it has none that can be read."""
    try:
        return model.encode()
    except TemplateError:
        return None


async def prompts_by_ids(trial: Trial, model: RemoteModel, fields: Fields) -> Prompts | None:
    """Token ids, if the server takes them, together with `fields`, as they are."""
    encode = tokenizer_of(model)
    if encode is None:
        return None
    ids = encode(model.bos + SAMPLE)
    tried = await trial.complete({**fields, "prompt": ids})
    if not tried.taken or tried.tokens not in (None, len(ids)):
        return None
    return Prompts(Way.IDS, model.bos, encode, checked=tried.tokens is not None)


async def prompts_by_text(trial: Trial, model: RemoteModel) -> Prompts:
    """The way of sending text by which the server counts as many tokens as there should be.

    Raises `EngineError` with the numbers where there is none. Where nothing is counted, or there
    is no tokenizer to compare with, the begin-of-text token is left to the server: nearly all
    put one in front of a text.
    """
    encode = tokenizer_of(model)
    if encode is None:
        return Prompts(Way.LEFT, model.bos, None, checked=False)
    counted: dict[Way, int] = {}
    for way in (Way.FLAG, Way.LEFT, Way.TEXT) if model.bos else (Way.FLAG, Way.LEFT):
        prompts = Prompts(way, model.bos, encode, checked=True)
        tried = await trial.complete(prompts.fields(model.bos + SAMPLE))
        if tried.tokens is not None:
            counted[way] = tried.tokens
            if tried.tokens == prompts.size(model.bos + SAMPLE):
                return prompts
    if not counted:
        return Prompts(Way.LEFT, model.bos, encode, checked=False)
    raise _miscounted(trial, counted, len(encode(model.bos + SAMPLE)))


def _miscounted(trial: Trial, counted: Mapping[Way, int], expected: int) -> EngineError:
    found = ", ".join(f"{number} of {way.value}" for way, number in counted.items())
    said = (
        f"{trial.where.address} counts other tokens in a prompt than the model's tokenizer, which "
        f"makes {expected}: {found}"
    )
    if min(counted.values()) >= expected + WRAPPED:
        return EngineError(f"{said}; it puts a chat template around prompts", mend=RAW)
    return EngineError(
        said,
        mend="A begin-of-text token is doubled or missing, or it serves another model than the "
        "recipe names (model.id, model.revision). Compare its tokenizer with the model's.",
    )


@dataclass(frozen=True)
class TokenizeShape:
    """How `POST /tokenize` is asked: the name of the text, and fields for none added, or some."""

    text: str
    bare: Mapping[str, Any]
    added: Mapping[str, Any]


SHAPES: Final = (
    TokenizeShape("prompt", {"add_special_tokens": False}, {"add_special_tokens": True}),
    TokenizeShape(
        "content",
        {"add_special": False, "parse_special": True},
        {"add_special": True, "parse_special": True},
    ),
    TokenizeShape("inputs", {"add_special_tokens": False}, {}),
)
"""Of vLLM and SGLang, of llama.cpp, of text-generation-inference."""


class Tokenize:
    """Asks a server for the ids of a text. The shape that it answers is found at the first ask."""

    def __init__(self, trial: Trial, model: str | None) -> None:
        self._trial = trial
        self._model = {} if model is None else {"model": model}
        self._shapes: tuple[TokenizeShape, ...] = SHAPES

    async def ids(self, text: str, *, added: bool) -> list[int] | None:
        """The ids, with what the server adds by itself or without; None: it does not tell."""
        for shape in self._shapes:
            fields = shape.added if added else shape.bare
            found = await self._ask({shape.text: text, **fields, **self._model})
            if found:
                self._shapes = (shape,)
                return found
        self._shapes = ()
        return None

    async def _ask(self, body: Fields) -> list[int] | None:
        return ids_in(await self._trial.maybe("/tokenize", body))


def ids_in(answer: object) -> list[int] | None:
    """The ids in an answer: a list of them, or of objects that have one each."""
    found = answer.get("tokens") if isinstance(answer, dict) else answer
    if not isinstance(found, list) or not found:
        return None
    ids = [one.get("id") if isinstance(one, dict) else one for one in found]
    numbers = [number for number in ids if type(number) is int]  # True is none
    return numbers if len(numbers) == len(ids) else None
