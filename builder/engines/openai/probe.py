"""What a `/v1/completions` server takes and tells, found by asking it, never by its name.

    GET  /v1/models, /props, /info    name of the model, context, requests at once
    POST token ids with all optional fields at once: most servers take them all
    POST what was refused, a field at a time; text in place of ids (`prompts`)
    POST more stop strings; greedy: temperature 0; streamed: the usage in the stream
    POST a JSON schema in each of the fields that servers have for one (`held`)

Each request is for one token, but for the last ones. A server that takes everything is asked
eight times in all, and once more for the ids of a text, to see that they mean the same to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Any, Final

from builder.engines.openai.held import field_for_schemas
from builder.engines.openai.prompts import SAMPLE, Prompts, prompts_by_ids, prompts_by_text
from builder.engines.openai.trial import Fields, Trial
from builder.engines.remote.errors import Where
from builder.engines.remote.http import Server
from builder.engines.remote.model import RemoteModel
from builder.errors import EngineError
from builder.recipe.engine_spec import OpenAIEngineSpec

UNTOLD_SLOTS: Final = 1024
"""Requests at once for a server that does not tell how many it takes: more than any one serves,
so that the pool finds the number by what it measures."""


FEW_STOPS: Final = 4
"""Stop strings that most servers take: OpenAI's limit, and that of vLLM 0.32."""

MANY_STOPS: Final = 16
"""More than a template is likely to have; a server that takes them is taken to take all."""


def _stops(many: int) -> list[str]:
    return [f"<|stop {number}|>" for number in range(many)]


OPTIONAL: Final[Mapping[str, tuple[Any, ...]]] = {
    "top_p": (1.0,),
    "top_k": (-1, 0),
    "min_p": (0.0,),
    "repetition_penalty": (1.0,),
    "seed": (1,),
    "skip_special_tokens": (False,),
    "cache_prompt": (False,),
    "stop": tuple(_stops(many) for many in (FEW_STOPS, 1)),
}
"""Fields that switch off what would change the sampling, with the values to try in this order.

llama.cpp samples with top_k 40, top_p 0.95 and min_p 0.05 unless told otherwise, vLLM and SGLang
with what the model's generation_config.json says. top_k is off at -1 in vLLM, SGLang and
llama.cpp, at 0 in others. A prefix from llama.cpp's cache may round differently, and the seed
must decide alone. A header token that the model writes is seen only if it is not skipped.
"""

GREEDY: Final[tuple[Fields, ...]] = (
    {"temperature": 0.0},
    {"temperature": 1.0, "top_k": 1},
    {"temperature": 0.001},
)
"""Ways to ask for the likeliest token, best first."""


@dataclass(frozen=True)
class Told:
    """What a server says of itself; None: not told. `context` is tokens of prompt and answer."""

    model: str | None = None
    context: int | None = None
    slots: int | None = None
    stops: int | None = None


@dataclass(frozen=True)
class Ends:
    """What a server's completions end with.

    `streams` says whether it streams at all, `finish_told` whether a stream ends with a reason,
    `stream_options` whether that field is taken, which asks for the number of tokens at its end,
    `whole_counted` whether an answer in one piece tells that number.
    """

    streams: bool
    finish_told: bool
    stream_options: bool
    whole_counted: bool


@dataclass(frozen=True)
class OpenAIInfo:
    """What was found about a server.

    `prompts` is how prompts are sent, and `prompts_checked` whether the server counted as many
    tokens in one as it should. `fields` go with every request; `refused` are the optional ones
    that it does not take. `greedy` are the fields of greedy sampling. `stops` is how many stop
    strings it takes. `slots` is what it told, else `UNTOLD_SLOTS`. `schema_field` is the name in
    `held.FIELDS` of the field that held a completion to a JSON schema; None: none did.
    """

    model: str | None
    prompts: str
    prompts_checked: bool
    fields: Mapping[str, Any]
    refused: tuple[str, ...]
    greedy: Mapping[str, Any]
    seed: bool
    stops: int
    ends: Ends
    context: int | None
    slots: int
    slots_told: bool
    schema_field: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values. No address, no key and no path is among them.

        llama.cpp calls a model by the path of its file: only its name is kept.
        """
        paths = self.model is not None and PurePath(self.model).is_absolute()
        model = PurePath(self.model or "").name if paths else self.model
        return asdict(self) | {"refused": list(self.refused), "model": model}


async def probe(
    server: Server, where: Where, model: RemoteModel, spec: OpenAIEngineSpec
) -> tuple[OpenAIInfo, Prompts]:
    """Find out how to speak to a server.

    Raises `EngineError` when it has no raw completions, refuses our key, takes no prompt as it
    should be, or does not answer within some seconds.
    """
    nameless = Trial(server, where, spec.deadlines.first_token, None)
    told = await _told(nameless, spec.model)
    trial = Trial(server, where, spec.deadlines.first_token, told.model)
    fields, prompts = await _fields_and_prompts(trial, model, told)
    sent = {**fields, **prompts.fields(model.bos + SAMPLE)}
    stops = len(fields.get("stop", ()))
    if told.stops is None and stops == FEW_STOPS:
        more = await trial.complete({**sent, "stop": _stops(MANY_STOPS)})
        stops = MANY_STOPS if more.taken else stops
    greedy, counted = await _greedy(trial, sent)
    ends = await _ends(trial, sent, counted)
    constant = {key: value for key, value in fields.items() if key not in ("seed", "stop")}
    info = OpenAIInfo(
        model=told.model,
        prompts=prompts.way.value,
        prompts_checked=prompts.checked,
        fields=constant,
        refused=tuple(key for key in OPTIONAL if key not in fields),
        greedy=greedy,
        seed="seed" in fields,
        stops=stops,
        ends=ends,
        context=told.context,
        slots=told.slots or UNTOLD_SLOTS,
        slots_told=told.slots is not None,
        schema_field=await field_for_schemas(trial, {**sent, **greedy}),
    )
    return info, prompts


async def _told(trial: Trial, wanted: str | None) -> Told:
    """What /v1/models, /props of llama.cpp and /info of text-generation-inference say.

    `wanted` is the recipe's name for the model; without one it is the first that is listed.
    """
    models = await trial.told("/v1/models")  # the first question: is it there at all?
    props, info = await asyncio.gather(trial.told("/props"), trial.told("/info"))
    served = _at(models, "data")
    entries = served if isinstance(served, list) else []
    named = [entry for entry in entries if wanted in (None, _at(entry, "id"))]
    listed = named[0] if named else None
    contexts = (
        _at(listed, "max_model_len"),
        _at(props, "default_generation_settings", "n_ctx"),
        _at(info, "max_total_tokens"),
    )
    slots = (_at(props, "total_slots"), _at(info, "max_concurrent_requests"))
    name = _at(listed, "id")
    return Told(
        model=wanted or (name if isinstance(name, str) else None),
        context=_number(contexts),
        slots=_number(slots),
        stops=_number((_at(info, "max_stop_sequences"),)),
    )


def _at(value: Any, *path: str | int) -> Any:
    """What lies at a path of keys and positions; None where there is nothing."""
    for step in path:
        known = isinstance(value, dict) if isinstance(step, str) else isinstance(value, list)
        if not known or (isinstance(step, int) and step >= len(value)):
            return None
        value = value.get(step) if isinstance(step, str) else value[step]
    return value


def _number(values: tuple[Any, ...]) -> int | None:
    """The first of the values that is a whole number above 0."""
    return next((value for value in values if type(value) is int and value > 0), None)


async def _fields_and_prompts(
    trial: Trial, model: RemoteModel, told: Told
) -> tuple[dict[str, Any], Prompts]:
    """The optional fields that are taken, and the way of prompts."""
    options = dict(OPTIONAL)
    if told.stops is not None:
        options["stop"] = (_stops(told.stops),)
    everything = {name: values[0] for name, values in options.items()}
    prompts = await prompts_by_ids(trial, model, everything)
    if prompts is not None:
        return everything, prompts
    prompts = await prompts_by_ids(trial, model, {})
    prompt = (
        {"prompt": model.bos + SAMPLE} if prompts is None else prompts.fields(model.bos + SAMPLE)
    )
    fields = await _taken(trial, prompt, options)
    return fields, prompts or await prompts_by_text(trial, model)


async def _taken(
    trial: Trial, prompt: Fields, options: Mapping[str, tuple[Any, ...]]
) -> dict[str, Any]:
    """The optional fields that a server takes, each with the first of its values that it takes.

    Raises `EngineError` when it does not even take the prompt by itself.
    """
    everything = {name: values[0] for name, values in options.items()}
    if (await trial.complete({**prompt, **everything})).taken:
        return everything
    bare = await trial.complete(prompt)
    if bare.refusal is not None:
        raise EngineError(
            f"the plainest request is refused: {bare.refusal.message}",
            mend="Does the server serve raw completions (/v1/completions) of a text model, and "
            "of the one that the recipe names (engine.model)?",
        ) from bare.refusal
    fields: dict[str, Any] = {}
    for name, values in options.items():
        for value in values:
            if (await trial.complete({**prompt, **fields, name: value})).taken:
                fields[name] = value
                break
    return fields


async def _greedy(trial: Trial, sent: Fields) -> tuple[Fields, bool]:
    """The fields of greedy sampling, and whether the number of tokens was told.

    Raises `EngineError` where none of them is taken.
    """
    for fields in GREEDY:
        if set(fields) - {"temperature"} <= set(sent):
            tried = await trial.complete({**sent, **fields})
            if tried.refusal is None:
                return fields, tried.counted
            refusal = tried.refusal
    raise EngineError(f"no greedy sampling is taken: {refusal.message}") from refusal


async def _ends(trial: Trial, sent: Fields, whole_counted: bool) -> Ends:
    """How completions end. What answers no events to `stream` is asked for whole ones."""
    options = {"stream_options": {"include_usage": True}}
    for extra in (options, {}):
        reading = await trial.streamed({**sent, **extra})
        if reading is not None and reading.begun:
            return Ends(True, reading.finished, bool(extra), whole_counted)
    return Ends(False, True, False, whole_counted)
