"""What the model of a recipe needs of a machine: memory for its server, room on its disks."""

from __future__ import annotations

from builder.recipe.engine_spec import TgiEngineSpec
from builder.recipe.schema import Recipe
from builder.server.needs.container_engine import EngineView
from builder.server.needs.disk import TGI_IMAGE_BYTES, Wanted
from builder.server.needs.finding import Finding
from builder.server.needs.gpu_fit import fits
from builder.server.needs.hub_cache import ModelFacts, cache_folder
from builder.server.needs.memory import (
    Demand,
    Share,
    cache_bytes,
    kv_bytes,
    main_memory,
    parameters_of,
    shape_of,
    weight_bytes,
)


def demand_of(recipe: Recipe, facts: ModelFacts) -> Demand | None:
    """Work out what one replica of a recipe's server needs; None where its weights are unknown.

    The longest request is engine.max_total_tokens, or else the longest instruction and response.
    """
    spec = recipe.engine
    if not isinstance(spec, TgiEngineSpec):
        return None
    shape = shape_of(facts.config)
    parameters = facts.parameters or parameters_of(facts.config)
    weights = weight_bytes(parameters, facts.stored, spec.quantize, facts.config)
    if weights is None:
        return None
    longest = recipe.instruction.max_tokens + recipe.response.max_tokens
    return Demand(
        name=recipe.model.id.rpartition("/")[2],
        weights=weights,
        a_token=kv_bytes(shape, cache_bytes(spec)) if shape else 0,
        tokens=spec.max_total_tokens or longest,
        shape=shape,
    )


def memory_findings(
    recipe: Recipe, dealt: tuple[Share, ...] | None, facts: ModelFacts, ours_run: bool
) -> list[Finding]:
    """Judge the memory for a recipe's servers, as far as model and GPUs are known.

    `dealt` are the GPUs of each replica: empty where none are needed, None where they are unknown.
    """
    demand, spec = demand_of(recipe, facts), recipe.engine
    if demand is None or dealt is None or not isinstance(spec, TgiEngineSpec):
        return []
    if dealt:
        return fits(spec, dealt, demand, ours_run)
    judged = main_memory(demand, spec.replicas)
    return [judged] if judged else []


def files_wanted(recipe: Recipe, view: EngineView, facts: ModelFacts) -> list[Wanted]:
    """What a first start writes: the weights that the cache lacks, and TGI's image."""
    wanted = []
    if facts.missing:
        wanted.append(Wanted("weights", cache_folder(), facts.missing))
    spec = recipe.engine
    pulls = isinstance(spec, TgiEngineSpec) and "text-generation-inference" in spec.image
    root = view.root
    if root is None or not root.exists():  # the engine runs in a virtual machine
        return wanted
    if pulls and view.image_env is None:
        wanted.append(Wanted("the image", root, TGI_IMAGE_BYTES))
    return wanted
