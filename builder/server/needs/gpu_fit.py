"""Whether the GPUs that a recipe may use can hold its model: how they are dealt out, and memory."""

from __future__ import annotations

from builder.errors import UsageError
from builder.recipe.engine_spec import TgiEngineSpec
from builder.server.needs.finding import Finding, size
from builder.server.needs.gpus import Gpu
from builder.server.needs.memory import (
    AT_ONCE,
    GPU_MEMORY,
    HALF,
    QUANTIZED,
    STORED,
    Demand,
    Share,
    memory_fraction,
)
from builder.server.plan import deal_out

_SHARDS = (1, 2, 4, 8, 16)


def shares(spec: TgiEngineSpec, gpus: tuple[Gpu, ...]) -> tuple[Share, ...] | Finding:
    """Deal out GPUs to the replicas of a recipe; a finding where they do not go round."""
    there = {gpu.index: gpu for gpu in gpus}
    wanted = tuple(there) if spec.gpus is None else spec.gpus
    absent = [str(index) for index in wanted if index not in there]
    if absent:
        indices = ", ".join(map(str, there))
        found = f"engine.gpus asks for {', '.join(absent)}; this machine has {indices}"
        return Finding("GPUs", fine=False, found=found, mend=f"`--set engine.gpus={len(there)}`")
    try:
        hands = deal_out(wanted, spec.replicas)
    except UsageError as error:
        return Finding("GPUs", fine=False, found=error.message, mend=error.mend)
    each = len(hands[0])
    shards = spec.num_shard or each
    if shards > each:
        found = f"engine.num_shard is {shards}, and each replica gets {each} of {len(wanted)} GPUs"
        return Finding("GPUs", fine=False, found=found, mend=f"`--set engine.num_shard={each}`")
    return tuple(Share(tuple(there[index] for index in hand[:shards])) for hand in hands)


def fits(
    spec: TgiEngineSpec, dealt: tuple[Share, ...], demand: Demand, ours_run: bool
) -> list[Finding]:
    """Judge whether each replica's GPUs can be cut as asked, and hold the model.

    `ours_run` says that containers of ours hold GPU memory that will be free again or is theirs
    for this model already: the GPUs then count as empty.
    """
    shards = len(dealt[0].gpus)
    if demand.shape is not None and not divides(demand, shards):
        return [_uneven(demand, shards)]
    if not all(gpu.memory_bytes for share in dealt for gpu in share.gpus):
        found = f"not told by nvidia-smi; {_needs(demand)}"
        return [Finding(GPU_MEMORY, fine=True, found=found)]
    fraction = memory_fraction(spec)
    tightest = min(dealt, key=lambda share: share.usable(fraction, ours_run))
    return [_memory(spec, tightest, demand, ours_run)]


def divides(demand: Demand, shards: int) -> bool:
    """Tell whether TGI can cut the model into so many shards: its heads must go round."""
    shape = demand.shape
    return shape is None or (shape.heads % shards == 0 and shape.kv_heads % shards == 0)


def _uneven(demand: Demand, shards: int) -> Finding:
    assert demand.shape is not None
    heads, kv_heads = demand.shape.heads, demand.shape.kv_heads
    below = max(n for n in range(1, shards) if divides(demand, n))
    return Finding(
        "shards",
        fine=False,
        found=f"{demand.name} has {heads} heads and {kv_heads} KV heads, which {shards} shards "
        "cannot share evenly",
        mend=f"`--set engine.num_shard={below}`",
    )


def _memory(spec: TgiEngineSpec, share: Share, demand: Demand, ours_run: bool) -> Finding:
    fraction = memory_fraction(spec)
    room = share.usable(fraction, ours_run)
    verb = "have" if len(share.gpus) > 1 else "has"
    has = f"{share.names()} {verb} {size(share.total())}, {size(room)} of it for a model"
    fine = room >= demand.least
    if fine and demand.a_request:
        at_once = int((room - demand.weights) // demand.a_request)
        has += f": fits, with room for {at_once:,} such requests at once"
    else:
        has += ": fits" if fine else ": does not fit"
    found = f"{_needs(demand)}; {has}"
    if fine:
        return Finding(GPU_MEMORY, fine=True, found=found)
    if share.usable(fraction, True) >= demand.least:
        found += _held(share)
        mend = "Stop what holds it (`nvidia-smi` names the processes), or choose others: "
        return Finding(GPU_MEMORY, False, found, mend + "`--set engine.gpus=[INDEX, ...]`")
    return Finding(GPU_MEMORY, fine=False, found=found, mend=_ways_out(spec, share, demand))


def _needs(demand: Demand) -> str:
    said = f"{demand.name} needs {size(demand.weights)} for its weights"
    if demand.a_request:
        said += f" and {size(demand.a_request)} for one request of {demand.tokens:,} tokens"
    return said


def _held(share: Share) -> str:
    parts = [
        f"GPU {gpu.index} has {size(gpu.free_bytes)} free of {size(gpu.memory_bytes)}"
        for gpu in share.gpus
        if gpu.free_bytes < 0.9 * gpu.memory_bytes
    ]
    return f" ({', '.join(parts)})" if parts else ""


def _ways_out(spec: TgiEngineSpec, share: Share, demand: Demand) -> str:
    """The fewest GPUs of this kind that hold the model, and a quantization that these hold."""
    fraction = memory_fraction(spec)
    ways = []
    largest = max(share.gpus, key=lambda gpu: gpu.memory_bytes)
    for count in _SHARDS:
        more = Share((largest,) * count)
        if divides(demand, count) and more.usable(fraction, True) >= demand.least:
            ways.append(f"{count} GPUs a replica (`--set engine.gpus={count * spec.replicas}`)")
            break
    if spec.quantize is None:
        quantize = next((q for q in ("fp8", "bitsandbytes-nf4") if _helps(q, share, demand)), None)
        ways += [f"`--set engine.quantize={quantize}`"] if quantize else []
    ways.append("a smaller model")
    return f"Use {', or '.join(ways)}"


def _helps(quantize: str, share: Share, demand: Demand) -> bool:
    """Tell whether the weights fit once they are quantized while they are loaded."""
    assert quantize not in STORED
    weights = round(demand.weights / HALF * QUANTIZED[quantize])
    return share.usable(1.0, True) >= weights + AT_ONCE * demand.a_request
