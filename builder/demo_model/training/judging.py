"""Judge chats: a judge prompt of the project around a request, answered by the rules below.

The rules are the truth that the model learns: how good a request is follows from how it was made.
"""

import functools
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from builder.demo_model.training.grammar import Request, sample_request
from builder.demo_model.training.noise import SPOILERS, slip
from builder.rows import QUALITIES

PROMPTS = Path(__file__).parents[2] / "annotate" / "prompts"
JUDGES = ("quality", "difficulty", "category")
QUALITY: tuple[str, ...] = tuple(QUALITIES.categories)
_VERY_POOR = {"unreadable", "empty", "repeated", "shuffled", "contradictory"}
_POOR = {"vague", "truncated", "rambling", "damaged"}
_HOPELESS = _VERY_POOR - {"contradictory"}
# How often a judged request is spoiled, and in which way; the rest is clean or has one slip.
_SPOIL_SHARES = {
    "damaged": 0.06,
    "truncated": 0.06,
    "rambling": 0.05,
    "shuffled": 0.03,
    "repeated": 0.05,
    "unreadable": 0.06,
    "empty": 0.03,
}
_SLIP_SHARE = 0.3


@dataclass(frozen=True)
class Judged:
    """A text that a judge is shown, the request behind it and the flaw that was put in."""

    text: str
    request: Request
    flaw: str = ""
    more: tuple[Request, ...] = ()


@functools.cache
def prompt(judge: str) -> str:
    """Return the judge's prompt with its slot `{instruction}`."""
    return (PROMPTS / f"{judge}.txt").read_text(encoding="utf-8").strip()


def sample_judged(rng: random.Random, vocabulary: list[str]) -> Judged:
    """Write a request and perhaps spoil it."""
    request = sample_request(rng)
    flaws = list(_SPOIL_SHARES)
    clean = 1 - sum(_SPOIL_SHARES.values())
    flaw = rng.choices([*flaws, ""], [*_SPOIL_SHARES.values(), clean])[0]
    if flaw == "rambling":
        more = tuple(sample_request(rng) for _ in range(rng.randint(2, 4)))
        joiner = rng.choice([" ", " And ", " Also, ", " Oh, and ", ", "])
        text = joiner.join(item.text.split("\n")[0] for item in (request, *more))
        return Judged(text, request, flaw, more)
    if flaw:
        return Judged(SPOILERS[flaw](rng, request.text), request, flaw)
    text = request.text
    if rng.random() < _SLIP_SHARE:
        text = slip(rng, text, vocabulary)
    flaw = "contradictory" if request.is_contradictory else "vague" if request.is_vague else ""
    return Judged(text, request, flaw)


def verdict(judge: str, judged: Judged) -> str:
    """Return the JSON object that the judge should reply with."""
    reply: dict[str, Any]
    if judge == "quality":
        label, explanation = rate(judged)
        reply = {"explanation": explanation, "input_quality": label}
    elif judge == "difficulty":
        reply = _difficulty(judged)
    else:
        reply = _category(judged)
    return json.dumps(reply, ensure_ascii=False)


def rate(judged: Judged) -> tuple[str, str]:
    """Return the quality label and the sentence that explains it."""
    words = _words()
    if judged.flaw:
        label = "very poor" if judged.flaw in _VERY_POOR else "poor"
        return label, words["explanations"][judged.flaw]
    request = judged.request
    found = []
    if request.contexts:
        found.append("context")
    if request.constraints:
        found.append("one_limit" if request.constraints == 1 else "two_limits")
    if request.has_material:
        found.append("material")
    if len(request.text.split()) >= 17:
        found.append("detail")
    score = len(found) + ("two_limits" in found)
    label = QUALITY[2 if score == 0 else 3 if score <= 2 else 4]
    features = _list(words["features"][name] for name in found)
    return label, words["explanations"][label].replace("{features}", features)


def _difficulty(judged: Judged) -> dict[str, Any]:
    words, request = _words(), judged.request
    want, know, level = request.want, request.know, request.level
    if judged.flaw in _HOPELESS:
        want, know, level = words["unclear"]["want"], words["unclear"]["know"], "very easy"
    elif judged.flaw == "rambling":
        want = words["rambling"]["want"].replace("{want}", want)
        know, level = words["rambling"]["know"].replace("{know}", know), "hard"
    return {
        "intent": words["intent"].replace("{want}", want),
        "knowledge": words["knowledge"].replace("{know}", know),
        "difficulty": level,
    }


def _category(judged: Judged) -> dict[str, Any]:
    if judged.flaw in _HOPELESS:
        return {"primary_tag": "Others", "other_tags": []}
    primary = judged.request.tag
    others = [*judged.request.also, *(item.tag for item in judged.more)]
    kept = [tag for tag in dict.fromkeys(others) if tag not in (primary, "Others")]
    return {"primary_tag": primary, "other_tags": kept}


def _list(parts: Any) -> str:
    items = list(parts)
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


@functools.cache
def _words() -> dict[str, Any]:
    path = Path(__file__).parent / "judging.yaml"
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded
