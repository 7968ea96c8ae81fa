"""How a server wants to be asked for a reward, found by asking it, never by its name.

    GET  /v1/models, /info             the name of its model, requests at once
    POST one sample on each route      until one is answered with a score
    POST the sample, its worse twin    two answers that differ so much cannot get one score
    POST with the activation on, off   to get the raw score where a server can be told so
    POST /tokenize                     for a text: whether the begin-of-text token is doubled

A server that takes messages renders them with the model's own chat template. One that takes only
text cannot, and the recipe has to say the template; nothing is guessed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Any, Final

import msgspec

from builder.engines.openai.probe import UNTOLD_SLOTS
from builder.engines.openai.prompts import ids_in
from builder.engines.openai.trial import Trial
from builder.engines.scoring.conversation import Conversation
from builder.engines.scoring.questions import Questions, Tongue, refuse_several
from builder.engines.scoring.routes import TEXTS, TURNS, Outputs, Route
from builder.errors import EngineError

_ASKED: Final = "Which planet of our solar system is the largest, and why is it so large?"
GOOD: Final = Conversation(
    _ASKED,
    "Jupiter. It formed early and far from the Sun, where ice was plenty, and grew heavy enough to "
    "draw in gas.",
)
BAD: Final = Conversation(_ASKED, "no no no no no")

NOISE: Final = 0.01
"""Difference, relative or absolute, of two scores of one text that batches and bfloat16 may make:
it has 8 bits of precision."""

EXAMPLE: Final = (
    "For a reward model of the Llama-3 family:\n"
    '  template: "<|start_header_id|>user<|end_header_id|>\\n\\n{instruction}<|eot_id|>'
    '<|start_header_id|>assistant<|end_header_id|>\\n\\n{response}<|eot_id|>"'
)
"""Without the begin-of-text token: the servers put it in front of a text themselves."""


@dataclass(frozen=True)
class ScoringInfo:
    """What was found about a server.

    `route` is how it is asked. `rendered_by` says whose template is around a conversation.
    `raw` says whether scores are the model's outputs with no activation over them; None: it cannot
    be told. `each_token` says that the score is the last one of a list. `slots` is what the server
    told, else `UNTOLD_SLOTS`.
    """

    model: str
    route: str
    rendered_by: str
    raw: bool | None
    each_token: bool
    slots: int
    slots_told: bool

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values. No address, no key and no path is among them."""
        return asdict(self)


async def probe(
    questions: Questions, trial: Trial, model: str | None, template: str | None
) -> tuple[ScoringInfo, Tongue]:
    """Find out how to ask a server for scores.

    `model` is the recipe's name, None for what the server tells. Raises `EngineError` when it is
    not there, wants another key, serves no reward model, or needs a template that it was not given.
    """
    models, info = await trial.told("/v1/models"), await trial.told("/info")
    listed = _listed(models)
    fields = {"model": model or listed} if listed is not None else {}
    tongue, found = await _spoken(questions, fields, template)
    refuse_several(found, questions.where)
    await _refuse_doubled_begin(questions, tongue)
    tongue, raw = await _without_activation(questions, tongue)
    await _refuse_constant(questions, tongue)
    told = info.get("max_concurrent_requests") if isinstance(info, dict) else None
    slots = told if type(told) is int and told > 0 else None
    found_info = ScoringInfo(
        model=_shown(model or listed or _of_info(info) or "untold"),
        route=tongue.route.name,
        rendered_by="the server" if tongue.route.turns else "the recipe's template",
        raw=raw,
        each_token=found.each_token,
        slots=slots or UNTOLD_SLOTS,
        slots_told=slots is not None,
    )
    return found_info, tongue


def _listed(models: Any) -> str | None:
    """The name of the first model that `/v1/models` lists."""
    entries = models.get("data") if isinstance(models, dict) else None
    first = entries[0] if isinstance(entries, list) and entries else None
    name = first.get("id") if isinstance(first, dict) else None
    return name if isinstance(name, str) else None


def _of_info(info: Any) -> str | None:
    """The name in TEI's `/info`."""
    name = info.get("model_id") if isinstance(info, dict) else None
    return name if isinstance(name, str) else None


def _shown(model: str) -> str:
    """The name of a model; of a path to its files, only its end."""
    return PurePath(model).name if PurePath(model).is_absolute() else model


async def _spoken(
    questions: Questions, fields: dict[str, Any], template: str | None
) -> tuple[Tongue, Outputs]:
    """The first way that is answered with outputs.

    With a template of the recipe's only texts are sent: it may be there because the server's own
    is wrong. Without one only turns are.
    """
    first = TURNS if template is None else TEXTS
    refusals: list[str] = []
    found = await _first_answered(questions, _tongues(first, template, fields), refusals)
    if found is not None:
        return found
    address = questions.where.address
    if template is None:
        texts = _tongues(TEXTS, None, fields)
        if (other := await _first_answered(questions, texts, refusals)) is not None:
            raise EngineError(
                f"{address} scores a text ({other[0].route.name}) but takes no messages, so it "
                "does not put the reward model's chat template around a conversation",
                mend="Write that template beside the endpoint, without its begin-of-text token, "
                f"with slots for both texts. {EXAMPLE}",
            )
    raise EngineError(
        f"{address} has no route that scores a conversation:\n"
        + "\n".join(f"  {line}" for line in refusals),
        mend="Serve a reward model: `vllm serve MODEL --runner pooling`, SGLang with "
        "`--is-embedding`, or text-embeddings-inference; and look at the annotator's `endpoint` "
        "and `model`.",
    )


def _tongues(routes: Sequence[Route], template: str | None, fields: dict[str, Any]) -> list[Tongue]:
    return [Tongue(route, template, fields) for route in routes]


async def _first_answered(
    questions: Questions, tongues: Sequence[Tongue], refusals: list[str]
) -> tuple[Tongue, Outputs] | None:
    """The first of them that works; why the others do not is added to `refusals`."""
    for tongue in tongues:
        found = await questions.outputs(tongue, GOOD)
        if isinstance(found, Outputs):
            return tongue, found
        refusals.append(f"{tongue.route.name}: {found}")
    return None


async def _without_activation(questions: Questions, tongue: Tongue) -> tuple[Tongue, bool | None]:
    """The same way with the switch that leaves the activation out, and whether that is sure.

    A switch that changes nothing may be unknown to the server, or have nothing to switch.
    """
    if not tongue.route.switches:
        return tongue, True  # raw_scores of TEI; SGLang applies none
    for switch in tongue.route.switches:
        off = tongue.extended({switch: False})
        without = await questions.outputs(off, GOOD)
        applied = await questions.outputs(tongue.extended({switch: True}), GOOD)
        if isinstance(without, Outputs) and _differ(without, applied):
            return off, True
    return tongue, None


def _differ(one: Outputs, other: Outputs | str) -> bool:
    """Whether two single outputs differ by more than the noise of two computations."""
    values = (*one.values, *(other.values if isinstance(other, Outputs) else ()))
    numbers = [value for value in values if isinstance(value, int | float)]
    return len(numbers) == 2 and not math.isclose(*numbers, rel_tol=NOISE, abs_tol=NOISE)


async def _refuse_constant(questions: Questions, tongue: Tongue) -> None:
    """Raise where a good answer and a senseless one get the same score."""
    good, bad = [await questions.outputs(tongue, one) for one in (GOOD, BAD)]
    if good == bad and isinstance(good, Outputs):
        raise EngineError(
            f"{questions.where.address} gives every answer the same score, {good.values[0]}",
            mend="Does it take a softmax over its one output? With vLLM: "
            "--pooler-config '{\"use_activation\": false}'. Is it a reward model at all?",
        )


async def _refuse_doubled_begin(questions: Questions, tongue: Tongue) -> None:
    """Raise where a text begins with two equal tokens, the server's and the template's."""
    template = tongue.template
    if template is None or not template.startswith("<"):
        return
    text = GOOD.rendered(template)
    for name in ("inputs", "prompt"):  # of TEI, of vLLM
        answer = await questions.post(
            "/tokenize", msgspec.json.encode({**tongue.fields, name: text})
        )
        ids = _ids(answer.body) if answer.status == 200 else None
        if ids and ids[0] == ids[1]:
            raise EngineError(
                f"{questions.where.address} puts a begin-of-text token in front of a text, and "
                f"the template begins with one too: {template[:40]!r}",
                mend="Take it out of the template.",
            )


def _ids(body: bytes) -> list[int] | None:
    """The ids in an answer of `/tokenize`; TEI has a list of them for each text."""
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    nested = isinstance(answer, list) and answer and isinstance(answer[0], list)
    ids = ids_in(answer[0] if nested else answer)
    return ids if ids and len(ids) > 1 else None
