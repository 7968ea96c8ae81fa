"""What the annotators of a recipe need: servers that answer, packages that are installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from builder.recipe.annotators import Annotation, annotations_of
from builder.recipe.engine_spec import OpenAIEngineSpec, RemoteEngineSpec
from builder.recipe.schema import Recipe
from builder.server.needs.background import Background
from builder.server.needs.endpoints import (
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    endpoint_findings,
)
from builder.server.needs.finding import Finding

JUDGE: Final = "judge"
"""Who asks the servers of `judge.engine`; no annotator has this name."""


def annotator_findings(recipe: Recipe) -> list[Finding]:
    """Look at what the annotators of a recipe, and its judge, need. All servers are asked at once.

    A recipe that can be read but whose annotators are faulty must not come here.
    """
    asked = [
        (name, key, Background(partial(endpoint_findings, spec, writes=name == JUDGE)))
        for name, key, spec in _servers(recipe)
    ]
    findings = [
        _of(name, key, finding)
        for name, key, answer in asked
        for finding in answer.within(CONNECT_SECONDS + ANSWER_SECONDS + 1) or []
    ]
    return [*findings, *(one for found in annotations_of(recipe) for one in _packages(found))]


def _servers(recipe: Recipe) -> Iterator[tuple[str, str, RemoteEngineSpec]]:
    """Who asks, the key of the recipe that names its servers, and how they are asked."""
    if recipe.judge is not None and isinstance(recipe.judge.engine, RemoteEngineSpec):
        yield JUDGE, "judge.engine", recipe.judge.engine
    for one in annotations_of(recipe):
        for key, told in _with_endpoints(f"annotate.{one.name}", one.options.model_dump()):
            spec = OpenAIEngineSpec(
                kind="openai", endpoint=told["endpoint"], api_key_env=told.get("api_key_env")
            )
            yield one.name, key, spec


def _with_endpoints(key: str, options: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The sections, at any depth, that name endpoints."""
    if options.get("endpoint"):
        yield key, options
    for name, value in options.items():
        if isinstance(value, dict):
            yield from _with_endpoints(f"{key}.{name}", value)


def _of(name: str, key: str, finding: Finding) -> Finding:
    """A finding about an endpoint, in the words of the annotator that asks there."""
    mend = finding.mend.replace("engine.endpoint", f"{key}.endpoint")
    mend = mend.replace("engine.api_key_env", f"{key}.api_key_env")
    if not finding.fine and key.startswith("annotate."):
        mend += f", or do without: `--set annotate.{name}=false`, and the rules on its columns"
    return Finding(f"server of {name}", finding.fine, finding.found, mend)


def _packages(found: Annotation) -> Iterator[Finding]:
    for package, extra in found.annotator.packages(found.options).items():
        if importlib.util.find_spec(package) is None:
            mend = f"`pip install 'magpie-builder[{extra}]'`"
            yield Finding(f"package of {found.name}", False, f"{package} is not installed", mend)
