"""Checks that need more than one field of a recipe, or a look at the disk."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from builder.recipe.annotators import asks_engine, judges_of
from builder.recipe.compared import check_compared
from builder.recipe.engine_spec import KINDS, EmbeddedEngineSpec
from builder.recipe.faults import nearest, show
from builder.recipe.license_check import check_licenses
from builder.recipe.model_source import DEMO, is_folder, is_hub_id, model_folder
from builder.recipe.schema import Recipe
from builder.recipe.validate import Complaint

_PLACEHOLDER: Final = re.compile(r"<[^<>]+>|ORG/NAME|TODO\b.*|CHANGE[-_ ]?ME", re.IGNORECASE)

_RESERVED_CONFIGS: Final = {
    "data": "the Hub does not allow a configuration of that name",
    "raw": "the rows before the rules are published under that name",
}


def check_semantics(recipe: Recipe, base: Path) -> Iterator[Complaint]:
    """Find faults that no single field shows. Yields path, what was seen, what to write.

    `base` is the folder that relative paths of the recipe start from.
    """
    for check in _CHECKS:
        yield from check(recipe)
    yield from _model(recipe, base)
    yield from _model_file(recipe, base)
    yield from _data_set(recipe, base)
    yield from check_compared(recipe, base)


def _target(recipe: Recipe) -> Iterator[Complaint]:
    target = recipe.target
    if target.kept is None and target.sampled is None and recipe.source is None:
        yield ("target",), "says no number of rows", "write kept: N or sampled: N below it"
    elif target.kept is not None and target.sampled is not None:
        yield ("target", "sampled"), "stands beside kept", "keep one of the two"
    elif target.kept is None and (target.by or target.quotas):
        key = "by" if target.by else "quotas"
        message = "stands beside sampled" if target.sampled else "needs target.kept"
        yield ("target", key), message, "write kept: N in its place"
    if target.quotas and not target.by:
        yield ("target", "quotas"), "of which column?", "write by: task_category below target"
    elif target.quotas and target.kept and sum(target.quotas.values()) != target.kept:
        total = sum(target.quotas.values())
        message = f"add up to {total}, and target.kept is {target.kept}"
        yield ("target", "quotas"), message, f"write kept: {total}"


def _cut(recipe: Recipe) -> Iterator[Complaint]:
    select, target = recipe.select, recipe.target
    longest, rows = select.longest, target.kept or target.sampled
    if longest and rows and longest > rows:
        what = "kept" if target.kept else "sampled"
        message = f"saw {longest}, more than the {rows} rows of target.{what}: it would never cut"
        yield ("select", "longest"), message, f"write a number below {rows}, or leave it out"
    if select.over == 1:
        return
    if target.kept is None:
        yield ("select", "over"), "needs target.kept", "write kept: N below target"
    elif target.by:
        yield ("select", "over"), "stands beside quotas", "leave out one of the two"
    elif longest and longest != target.kept:
        message = f"saw {longest}, but over cuts down to the {target.kept} rows of target.kept"
        yield ("select", "longest"), message, "leave it out"


def _sweep(recipe: Recipe) -> Iterator[Complaint]:
    points = recipe.instruction.sweep
    for index, point in enumerate(points):
        same = [(p.temperature, p.top_p) for p in points[:index]]
        if (point.temperature, point.top_p) in same:
            first = same.index((point.temperature, point.top_p))
            message = f"is the same point as instruction.sweep[{first}]"
            yield ("instruction", "sweep", index), message, "give that one a greater weight"
    if math.isinf(sum(point.weight for point in points)):
        yield ("instruction", "sweep"), "has weights without a finite sum", "write smaller ones"


def _endpoint(recipe: Recipe) -> Iterator[Complaint]:
    kind, endpoints = recipe.engine.kind, recipe.engine.endpoint
    if kind in ("embedded", "scripted", "none"):
        if endpoints:
            message = f"saw {show(endpoints[0])}, but the engine {kind} runs in this process"
            yield ("engine", "endpoint"), message, "leave it out, or write kind: openai"
        return
    if kind == "openai" and not endpoints:
        mend = "write the address of a running server, such as http://localhost:8080"
        yield ("engine", "endpoint"), "missing: the engine openai starts no server", mend
    for index, endpoint in enumerate(endpoints):
        path = ("engine", "endpoint") if len(endpoints) == 1 else ("engine", "endpoint", index)
        if not _is_address(endpoint):
            yield path, f"saw {show(endpoint)}", "write an address such as http://localhost:8080"
        elif endpoint in endpoints[:index]:
            yield path, f"{show(endpoint)} stands twice", "keep one of the two"


def _who_works(recipe: Recipe) -> Iterator[Complaint]:
    """Rows have to be sampled by somebody, and so have judgements."""
    if recipe.engine.kind != "none" or not asks_engine(recipe):
        return
    if recipe.source is None:
        yield ("engine", "kind"), 'saw "none", and there is no source of rows', f"write {KINDS}"
        return
    message = f"missing: the annotator {judges_of(recipe)[0]} asks a model"
    yield ("judge",), message, "write judge: {model: ..., engine: ...}, or an engine for model.id"


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port_fits


def _context(recipe: Recipe) -> Iterator[Complaint]:
    engine = recipe.engine
    if not isinstance(engine, EmbeddedEngineSpec):
        return
    wanted = recipe.instruction.max_tokens + recipe.response.max_tokens
    if wanted >= engine.context:
        message = (
            f"saw {engine.context}, and the longest instruction and response together take {wanted}"
        )
        mend = f"write more than {wanted}: the template needs room too; or lower the max_tokens"
        yield ("engine", "context"), message, mend


def _template(recipe: Recipe) -> Iterator[Complaint]:
    given = recipe.template
    if given is None:
        return
    for index, stop in enumerate(given.stops or ()):
        if not stop:
            yield ("template", "stops", index), 'saw ""', "write the text of an end-of-turn token"
    if given.bos and not given.pre_query.startswith(given.bos):
        message = f"saw {show(given.bos)}, but pre_query does not begin with it"
        yield ("template", "bos"), message, "write it in front of pre_query, or leave it out"
    if recipe.instruction.system is not None:
        message = "cannot be put into a template that the recipe gives itself"
        mend = "write the system turn into template.pre_query"
        yield ("instruction", "system"), message, mend


def _publish(recipe: Recipe) -> Iterator[Complaint]:
    if recipe.publish and recipe.publish.config in _RESERVED_CONFIGS:
        seen = recipe.publish.config
        message = f"saw {show(seen)}: {_RESERVED_CONFIGS[seen]}"
        yield ("publish", "config"), message, "write another name, such as filtered"


def _placeholders(recipe: Recipe) -> Iterator[Complaint]:
    texts = {("summary",): recipe.summary, ("model", "id"): recipe.model.id}
    if recipe.publish:
        texts[("publish", "repo")] = recipe.publish.repo
    for path, text in texts.items():
        if _PLACEHOLDER.fullmatch(text.strip()):
            yield path, f"saw the placeholder {show(text)}", "write your own"


def _model(recipe: Recipe, base: Path) -> Iterator[Complaint]:
    seen, revision = recipe.model.id, recipe.model.revision
    if is_folder(seen, base):
        folder = model_folder(seen, base)
        if not folder.is_dir():
            message = f"saw {show(seen)}, but there is no folder {folder}"
            yield ("model", "id"), message, "write a folder that exists, or ORG/NAME"
    elif not is_hub_id(seen):
        near = nearest(seen, [DEMO])
        mend = f"did you mean {near}?" if near else "write ORG/NAME, a folder, or demo"
        yield ("model", "id"), f"saw {show(seen)}", mend
    if revision != "main" and is_folder(seen, base):
        yield ("model", "revision"), f"saw {show(revision)}", "leave it out: a folder has none"


def _data_set(recipe: Recipe, base: Path) -> Iterator[Complaint]:
    source = recipe.source
    if source is None:
        return
    seen, path = source.dataset, base / Path(source.dataset).expanduser()
    if not path.exists() and (seen.startswith((".", "/", "~")) or not is_hub_id(seen)):
        message = f"saw {show(seen)}, but there is no file or folder {path}"
        yield ("source", "dataset"), message, "write one that exists, or ORG/NAME"
    elif path.exists() and source.revision is not None:
        message = f"saw {show(source.revision)}"
        yield ("source", "revision"), message, "leave it out: files of this machine have none"


def _model_file(recipe: Recipe, base: Path) -> Iterator[Complaint]:
    engine = recipe.engine
    if not isinstance(engine, EmbeddedEngineSpec) or engine.model_file is None:
        return
    path = base / Path(engine.model_file).expanduser()
    if path.suffix != ".gguf":
        yield ("engine", "model_file"), f"saw {show(engine.model_file)}", "write a .gguf file"
    elif not path.is_file():
        yield ("engine", "model_file"), f"there is no file {path}", "write the path of one"


_CHECKS: Final[tuple[Callable[[Recipe], Iterator[Complaint]], ...]] = (
    _target,
    _cut,
    _sweep,
    _endpoint,
    _who_works,
    _context,
    check_licenses,
    _template,
    _publish,
    _placeholders,
)
