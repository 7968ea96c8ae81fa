"""Writes single requests with their answers, from the word lists and patterns in `grammar/`.

A file of that folder is one kind of task. Its patterns hold the ways to ask, the ways to answer and
what a judge should say about it; its contexts and constraints make a bare request more specific.
"""

import functools
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from builder.demo_model.training.computed import BINDERS
from builder.demo_model.training.templates import Draw, mend_articles

FOLDER = Path(__file__).parent / "grammar"
SHARED = "shared"


@dataclass(frozen=True)
class Request:
    """One request with its answer and all that the rating rules look at."""

    text: str
    answer: str
    tag: str
    also: tuple[str, ...]
    level: str
    want: str
    know: str
    domain: str
    language: str = "en"
    contexts: int = 0
    constraints: int = 0
    has_material: bool = False
    is_vague: bool = False
    is_contradictory: bool = False
    draw: Draw | None = field(default=None, compare=False, repr=False)


@functools.cache
def kinds() -> dict[str, dict[str, Any]]:
    """Return every kind of task by file name, each with the shared lists mixed in."""
    shared = _read(FOLDER / f"{SHARED}.yaml")
    found = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        if path.stem != SHARED:
            kind = _read(path)
            kind["lists"] = {**shared["lists"], **kind.get("lists", {})}
            found[path.stem] = kind
    return found


def sample_request(rng: random.Random, kind_name: str | None = None) -> Request:
    """Write one request of the named kind, or of a kind drawn by weight."""
    if kind_name is None:
        names = list(kinds())
        kind_name = rng.choices(names, [float(kinds()[name]["weight"]) for name in names])[0]
    kind = kinds()[kind_name]
    patterns = kind["patterns"]
    pattern = rng.choices(patterns, [float(item.get("weight", 1)) for item in patterns])[0]
    computed = BINDERS[pattern["make"]](rng) if "make" in pattern else None
    draw = Draw(rng, kind["lists"], computed)
    return _compose(kind, pattern, draw)


def _compose(kind: Mapping[str, Any], pattern: Mapping[str, Any], draw: Draw) -> Request:
    rng = draw.rng
    ask = rng.choice(pattern["ask"])
    answers = pattern["answer"]
    if not isinstance(ask, str):
        ask, answers = ask["q"], ask["a"]
    core = draw.fill(ask).replace("?:", "?")
    context = _some(rng, kind["contexts"], kind["context_share"], 1)
    limits = []
    if not pattern.get("bare"):
        limits = _some(rng, kind["constraints"], kind["constraint_share"], 2)
    tail = [draw.fill(limit["ask"]) for limit in limits]
    order = [*tail, core] if core.endswith(":") else [core, *tail]
    text = " ".join([draw.fill(line) for line in context] + order)
    material = _material(kind, pattern, draw)
    if material:
        text += "\n\n" + material
    answer = draw.fill(rng.choice(answers))
    for limit in limits:
        answer = draw.fill(limit.get("head", "")) + answer + draw.fill(limit.get("tail", ""))
    mend = mend_articles if kind.get("language", "en") == "en" else str
    want = draw.fill(pattern["want"])
    draw.bind("want", want)
    return Request(
        text=mend(text),
        answer=mend(answer),
        tag=pattern.get("tag", kind["tag"]),
        also=tuple(pattern.get("also", ())),
        level=pattern["level"],
        want=mend(want),
        know=mend(draw.fill(pattern["know"])),
        domain=pattern.get("domain", kind["domain"]),
        language=kind.get("language", "en"),
        contexts=len(context),
        constraints=len(limits),
        has_material=bool(material),
        is_vague=bool(pattern.get("vague", False)),
        is_contradictory=bool(pattern.get("contradictory", False)),
        draw=draw,
    )


def _material(kind: Mapping[str, Any], pattern: Mapping[str, Any], draw: Draw) -> str:
    """Return the text, code or list that stands below a request; often there is none."""
    if "material" in pattern:
        return draw.fill(draw.rng.choice(pattern["material"]))
    if pattern.get("bare") or draw.rng.random() >= kind.get("details_share", 0.0):
        return ""
    lines = draw.rng.sample(kind["details"], draw.rng.choice([2, 3, 4]))
    return draw.fill("[[Some details|Notes|What you should know|Please note]]:\n") + "\n".join(
        "- " + draw.fill(line) for line in lines
    )


def _some(rng: random.Random, options: list[Any], share: float, most: int) -> list[Any]:
    """Draw up to `most` different options; each further one is half as likely."""
    picked: list[Any] = []
    while options and len(picked) < most and rng.random() < share:
        option = rng.choice(options)
        if option not in picked:
            picked.append(option)
        share /= 2
    return picked


def _read(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded
