"""`--set key=value`: one value of a recipe, replaced from the command line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from builder.recipe.engine_spec import ENGINES, EngineBase
from builder.recipe.faults import Fault, KeyPath, dotted, show
from builder.recipe.yaml_text import Document, parse_yaml, scalar


@dataclass(frozen=True, slots=True)
class Override:
    """One `--set`. `where` is what a fault names in place of a file and line."""

    where: str
    path: KeyPath
    value: object


def read_overrides(texts: Sequence[str]) -> tuple[list[Override], list[Fault]]:
    """Read `key=value` texts: dotted keys, list items by index, values as YAML reads a scalar.

    `instruction.sweep.0.temperature=0.9`, `rules.instruction.short=instruction_length > 10`,
    `annotate=[quality, difficulty]`, `publish=` (nothing: as if it were not there).
    """
    overrides: list[Override] = []
    faults: list[Fault] = []
    for text in texts:
        where = f"--set {text}"
        key, sign, value = text.partition("=")
        parts = key.strip().replace("[", ".").replace("]", "").split(".")
        if not sign or not all(parts):
            mend = "write key=value, such as instruction.max_tokens=64"
            faults.append(Fault(where, None, "", f"saw {show(text)}", mend, text))
            continue
        path = tuple(int(part) if part.isascii() and part.isdigit() else part for part in parts)
        overrides.append(Override(where, path, _typed(value.strip())))
    return overrides, faults


def apply(
    overrides: Sequence[Override], document: Document
) -> tuple[dict[KeyPath, str], list[Fault]]:
    """Write the overrides into the document's values, in order: the last one of a key wins.

    Returns which paths came from which `--set`, and what could not be written.
    """
    origins: dict[KeyPath, str] = {}
    faults: list[Fault] = []
    for override in overrides:
        message = _write(document.values, override.path, override.value)
        if message:
            seen, mend = message
            key = dotted(override.path)
            faults.append(Fault(override.where, None, key, seen, mend))
            continue
        _forget(origins, override.path)
        origins[override.path] = override.where
        for path in _displaced(document.values, override, origins):
            holder: Any = document.values[str(path[0])]
            del holder[path[1]]
    return origins, faults


def _typed(text: str) -> object:
    """Return the value of an override: quoted text and flow lists as YAML, the rest a scalar.

    A bare scalar is never parsed as a document, so SQL with a colon or a # in it stays whole.
    """
    if text[:1] in tuple("[{\"'"):
        document = parse_yaml(f"value: {text}", "--set")
        if not document.faults:
            return document.values["value"]
    return scalar(text)


def _write(values: dict[str, Any], path: KeyPath, value: object) -> tuple[str, str] | None:
    """Set one value; return what was seen and how to mend it where that is not possible."""
    holder: Any = values
    for depth, part in enumerate(path):
        last = depth == len(path) - 1
        if isinstance(holder, list):
            if not isinstance(part, int) or part >= len(holder):
                at = dotted(path[:depth])
                return f"{at} has no item {part}", f"its items are 0 to {len(holder) - 1}"
        elif isinstance(holder, dict):
            part = str(part)  # noqa: PLW2901 - a number can only be a name here
            if not last and holder.get(part) is None:
                holder[part] = {}
        else:
            return f"{dotted(path[:depth])} is a single value", f"set {dotted(path[:depth])} itself"
        if last:
            holder[part] = value
        else:
            holder = holder[part]
    return None


def _forget(origins: dict[KeyPath, str], path: KeyPath) -> None:
    """Drop the origins of what lay under a path that is now written as a whole."""
    for old in [old for old in origins if old[: len(path)] == path]:
        del origins[old]


def _displaced(
    values: dict[str, Any], override: Override, origins: dict[KeyPath, str]
) -> Iterator[KeyPath]:
    """Return the file's values that make no sense beside this override.

    Who sets one target means it in place of the other; who sets another kind of engine cannot
    mean the options of the old one. What was itself set by `--set` stays, and is judged.
    """
    if override.path in (("target", "kept"), ("target", "sampled")):
        yield from _other_target(values, override, origins)
        return
    if override.path == ("engine", "kind") and override.value in ENGINES:
        gone = [key for key in values["engine"] if not _takes(str(override.value), key)]
        yield from (path for key in gone if (path := ("engine", key)) not in origins)


def _other_target(
    values: dict[str, Any], override: Override, origins: dict[KeyPath, str]
) -> Iterator[KeyPath]:
    """Return the other target, its quotas, and the cut where so few rows leave nothing to cut."""
    kind, wanted, select = override.path[1], override.value, values.get("select")
    others = ("sampled", "quotas") if kind == "kept" else ("kept", "quotas", "by")
    for other in others:
        if other in values["target"] and ("target", other) not in origins:
            yield ("target", other)
    if not isinstance(select, dict):
        return
    longest = select.get("longest")
    few = isinstance(longest, int) and isinstance(wanted, int) and longest > wanted
    if few and ("select", "longest") not in origins:
        yield ("select", "longest")
    if kind == "sampled" and "over" in select and ("select", "over") not in origins:
        yield ("select", "over")


def _takes(kind: str, option: str) -> bool:
    """Tell whether a kind of engine takes an option; unknown options stay, to be reported."""
    if option == "endpoint":
        return kind in ("tgi", "openai")
    everywhere = option in EngineBase.model_fields or option == "kind"
    known = any(option in model.model_fields for model in ENGINES.values())
    return everywhere or not known or option in ENGINES[kind].model_fields
