"""What must hold on this machine before anything is pulled or started for a recipe.

`magpie doctor` shows all of it; `magpie build` and `magpie serve` refuse, with all that is missing
at once. Nothing is changed by looking.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from builder.errors import PrerequisiteError
from builder.recipe.engine_spec import RemoteEngineSpec, TgiEngineSpec
from builder.recipe.schema import Recipe
from builder.server.needs import gpus as gpu
from builder.server.needs.annotators import annotator_findings
from builder.server.needs.background import Background
from builder.server.needs.container_engine import CONTAINER_ENGINE, EngineView, look_at_engine
from builder.server.needs.disk import disk_findings, rows_wanted
from builder.server.needs.endpoints import endpoint_findings
from builder.server.needs.finding import Finding, size
from builder.server.needs.gpu_fit import shares
from builder.server.needs.gpus import Gpu, GpuError
from builder.server.needs.hub_access import (
    HUB_SECONDS,
    HubAnswer,
    ask_hub,
    local_answer,
    silent,
    token_finding,
)
from builder.server.needs.hub_cache import ModelFacts
from builder.server.needs.memory import Share, free_memory
from builder.server.needs.model import files_wanted, memory_findings
from builder.server.needs.ports import port_finding

__all__ = ["Finding", "Look", "check_machine", "refuse_missing"]

HASTE_SECONDS: Final = 0.7
"""How long the Hub may take once it is plain that something else is missing."""

ANNOTATOR_SECONDS: Final = 15.0
"""How long the servers that annotators ask may take to answer, all at once."""

ENGINE_SECONDS: Final = 10.0
"""How long the container engine may take to tell of itself."""


@dataclass(frozen=True)
class Look:
    """How to look at a machine.

    `ours` are the ports of containers of ours, which are about to be adopted or removed: neither
    they nor the GPU memory they hold are in the way. `rows` is where the run's folder is to be.
    `patient` waits for the Hub even where something else is missing.
    """

    ours: frozenset[int] = frozenset()
    rows: Path | None = None
    patient: bool = False


def check_machine(
    recipe: Recipe, model_folder: Path | None = None, look: Look | None = None
) -> list[Finding]:
    """Look at all that a recipe's server needs here; what is local comes first.

    `model_folder` is where the model's files lie, None for a model on the Hub. Takes under 2 s
    when something local is missing. Engines inside this process need nothing of it.
    """
    look, spec = look or Look(), recipe.engine
    if not isinstance(spec, RemoteEngineSpec):
        return []
    if spec.endpoint or not isinstance(spec, TgiEngineSpec):
        return [*endpoint_findings(spec), *annotator_findings(recipe)]
    engine = Background(lambda: look_at_engine(spec.image))
    annotators = Background(lambda: annotator_findings(recipe))
    cards = Background(_cards)
    known = local_answer(recipe.model, model_folder)
    asked = None if known is not None else Background(lambda: ask_hub(recipe.model))
    view = engine.within(ENGINE_SECONDS) or _stuck()
    dealt, findings = _local(spec, view, cards, look)
    if asked is not None:
        hurry = not look.patient and not all(finding.fine for finding in findings)
        known = _hub(recipe, asked, hurry)
    assert known is not None
    findings += [*known.findings, *(annotators.within(ANNOTATOR_SECONDS) or [])]
    findings += memory_findings(recipe, dealt, known.facts, bool(look.ours))
    rows = rows_wanted(recipe, look.rows or Path.cwd())
    return [*findings, *disk_findings([rows, *files_wanted(recipe, view, known.facts)])]


def refuse_missing(findings: Iterable[Finding], recipe: str = "RECIPE") -> None:
    """Raise `PrerequisiteError` with a line for each need that is not met, all at once.

    `recipe` is the recipe as the command line was given it.
    """
    missing = tuple(str(finding) for finding in findings if not finding.fine)
    if missing:
        raise PrerequisiteError(
            f"{recipe} cannot be built here yet: {len(missing)} "
            f"{'thing is' if len(missing) == 1 else 'things are'} missing",
            missing=missing,
            mend=f"`magpie doctor {recipe}` shows all that was looked at.",
        )


def _cards() -> tuple[Gpu, ...] | GpuError:
    try:
        return gpu.machine_gpus()
    except GpuError as error:
        return error


def _stuck() -> EngineView:
    found = f"it gave no answer in {ENGINE_SECONDS:.0f} s"
    return EngineView(Finding(CONTAINER_ENGINE, False, found, "Start it anew"))


def _local(
    spec: TgiEngineSpec,
    view: EngineView,
    cards: Background[tuple[Gpu, ...] | GpuError],
    look: Look,
) -> tuple[tuple[Share, ...] | None, list[Finding]]:
    """What this machine itself tells: the GPUs of each replica, and the findings.

    The GPUs are empty where none are needed, and None where they are unknown.
    """
    findings = [view.finding]
    dealt: tuple[Share, ...] | None = ()
    if gpu.needs_gpus(spec, view.image_env):
        dealt, about = _dealt(spec, cards.within(gpu.SMI_SECONDS + 1))
        findings.append(about)
        if view.info:
            findings.append(gpu.container_support(view.info, view.podman))
    else:
        findings.append(gpu.without_gpus(spec, view.image_env))
    findings += _shared_memory(spec, dealt)
    findings.append(port_finding(spec, look.ours))
    return dealt, findings


def _dealt(
    spec: TgiEngineSpec, found: tuple[Gpu, ...] | GpuError | None
) -> tuple[tuple[Share, ...] | None, Finding]:
    if found is None or isinstance(found, GpuError):
        error = found or GpuError("nvidia-smi gave no answer", mend="Run `nvidia-smi` by itself")
        return None, Finding("GPUs", fine=False, found=error.message, mend=error.mend)
    dealt = shares(spec, found)
    return (None, dealt) if isinstance(dealt, Finding) else (dealt, gpu.seen(found))


def _shared_memory(spec: TgiEngineSpec, dealt: tuple[Share, ...] | None) -> Iterator[Finding]:
    """NCCL moves tensors between shards through /dev/shm: TGI asks for 1 GB of it."""
    shards = len(dealt[0].gpus) if dealt else spec.num_shard or 1
    wanted = round(spec.shm_gb * 2**30) * spec.replicas
    free = free_memory()
    said = f"{spec.shm_gb:g} GB a container"
    if shards > 1 and spec.shm_gb < 1:
        found = f"{said}, and NCCL needs 1 GB between {shards} shards"
        yield Finding("shared memory", False, found, "`--set engine.shm_gb=1`")
    elif free is not None and wanted > free:
        found = f"{said}, {size(wanted)} together, and this machine has {size(free)} free"
        yield Finding("shared memory", False, found, "Lower engine.shm_gb or engine.replicas")
    else:
        yield Finding("shared memory", fine=True, found=said)


def _hub(recipe: Recipe, asked: Background[HubAnswer], hurry: bool) -> HubAnswer:
    """The Hub's answer, or what is said without it."""
    seconds = HASTE_SECONDS if hurry else HUB_SECONDS
    answer = asked.within(seconds)
    if answer is not None:
        return answer
    token = token_finding(recipe.model, None)
    if hurry:
        return HubAnswer(ModelFacts(), (token,))
    why = f"the Hub gave no answer in {seconds:.0f} s"
    return HubAnswer(ModelFacts(), (token, silent(recipe.model, why)))
