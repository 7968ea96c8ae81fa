"""How much memory a model needs on each GPU, and whether the GPUs have it.

Weights are parameters x bytes a parameter. The KV cache takes, for each token of each request in
flight, 2 x layers x KV heads x head dimension x bytes a value: 131,072 bytes for Llama-3-8B and
327,680 for Llama-3-70B. Both are cut into equal parts over the shards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from builder.recipe.engine_spec import TgiEngineSpec
from builder.server.needs.finding import Finding, size
from builder.server.needs.gpus import Gpu

HALF: Final = 2
"""Bytes of float16 and bfloat16, the only ones that TGI serves (`--dtype`, `--help`)."""

QUANTIZED: Final = {
    "bitsandbytes": 1.0,
    "eetq": 1.0,
    "fp8": 1.0,
    "bitsandbytes-nf4": 0.5625,
    "bitsandbytes-fp4": 0.5625,
    "awq": 0.53,
    "gptq": 0.53,
    "marlin": 0.53,
}
"""Bytes a parameter by `--quantize`. Four bits and what scales them: a float32 for 64 of them with
bitsandbytes, some 16 to 20 bits for 128 of them with the others."""

STORED: Final = frozenset({"awq", "gptq", "marlin", "exl2", "compressed-tensors"})
"""Kinds of quantization that the weights on the Hub have already: their files tell their size."""

USABLE: Final = 0.9
"""Share of a GPU that weights and cache get: the CUDA context, the activations of a prefill and
what TGI leaves alone (TGI_WIGGLE_ROOM, 5 to 10 %) take the rest."""

AT_ONCE: Final = 2
"""Requests in flight that a server must have room for: with one alone a run would never end."""

GPU_MEMORY: Final = "GPU memory"


@dataclass(frozen=True)
class ModelShape:
    """The numbers of a `config.json` that decide how large a cache is."""

    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    hidden: int
    vocabulary: int


@dataclass(frozen=True)
class Demand:
    """What one replica needs: `weights` once, `a_token` for each of the `tokens` of a request.

    `tokens` are those of the longest request. `a_token` is 0 where the config is not known.
    """

    name: str
    weights: int
    a_token: int
    tokens: int
    shape: ModelShape | None = None

    @property
    def a_request(self) -> int:
        """Bytes of cache of the longest request."""
        return self.a_token * self.tokens

    @property
    def least(self) -> int:
        """Bytes without which a server is of no use."""
        return self.weights + AT_ONCE * self.a_request


def text_config(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of a config that is about text: models that see as well nest it."""
    nested = config.get("text_config")
    return nested if isinstance(nested, Mapping) else config


def shape_of(config: Mapping[str, Any]) -> ModelShape | None:
    """Read the shape of a model from its `config.json`; None where it has other names."""
    text = text_config(config)
    try:
        heads, hidden = int(text["num_attention_heads"]), int(text["hidden_size"])
        return ModelShape(
            layers=int(text["num_hidden_layers"]),
            heads=heads,
            kv_heads=int(text.get("num_key_value_heads") or heads),
            head_dim=int(text.get("head_dim") or hidden // heads),
            hidden=hidden,
            vocabulary=int(text["vocab_size"]),
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def parameters_of(config: Mapping[str, Any]) -> int | None:
    """Count the parameters of a dense model of Llama's form; None for any other."""
    shape, text = shape_of(config), text_config(config)
    inner = text.get("intermediate_size")
    if shape is None or not isinstance(inner, int) or any("expert" in key for key in text):
        return None
    width = shape.head_dim * (2 * shape.heads + 2 * shape.kv_heads)
    layer = shape.hidden * (width + 3 * inner + 2)
    tables = 1 if text.get("tie_word_embeddings") else 2
    return shape.layers * layer + shape.hidden * (tables * shape.vocabulary + 1)


def weight_bytes(
    parameters: int | None, stored: int | None, quantize: str | None, config: Mapping[str, Any]
) -> int | None:
    """Return the bytes of the weights in GPU memory; None where nothing tells.

    `stored` is the size of their files. It counts where they are quantized already; otherwise
    they are loaded as 16 bits a parameter, or as `quantize` says, the tables of words excepted.
    """
    ready = quantize in STORED or "quantization_config" in config
    if stored and (ready or not parameters):
        return stored
    if not parameters:
        return None
    shape = shape_of(config)
    tables = min(2 * shape.vocabulary * shape.hidden if shape else 0, parameters)
    each = QUANTIZED.get(quantize or "", float(HALF))
    return round((parameters - tables) * each) + tables * HALF


def kv_bytes(shape: ModelShape, cache_bytes: int = HALF) -> int:
    """Return the bytes of cache that a token takes, over all shards: keys and values."""
    return 2 * shape.layers * shape.kv_heads * shape.head_dim * cache_bytes


def cache_bytes(spec: TgiEngineSpec) -> int:
    """Bytes of one value of the cache: `--kv-cache-dtype` can halve them."""
    return 1 if flag(spec, "--kv-cache-dtype").startswith("fp8") else HALF


def memory_fraction(spec: TgiEngineSpec) -> float:
    """The share of each GPU that the launcher is told to take (`--cuda-memory-fraction`)."""
    try:
        return min(1.0, float(flag(spec, "--cuda-memory-fraction") or 1))
    except ValueError:
        return 1.0


def flag(spec: TgiEngineSpec, name: str) -> str:
    """The value of a flag among those that the recipe hands to the launcher, '' without it."""
    for place, item in enumerate(spec.launcher):
        if item.startswith(f"{name}="):
            return item.partition("=")[2]
        if item == name:
            return "".join(spec.launcher[place + 1 : place + 2])
    return ""


def main_memory(demand: Demand, replicas: int) -> Finding | None:
    """Tell of the machine's memory for servers without GPUs; None where it is not told.

    Nothing is refused for it: a CPU maps weights from the disk, and an image of one's own may
    serve a smaller model under the name of the large one, as a rehearsal does.
    """
    free = free_memory()
    if free is None:
        return None
    needed = replicas * demand.least
    word = "replica" if replicas == 1 else "replicas"
    found = f"{size(free)} free, {size(needed)} needed for {replicas} {word} of {demand.name}"
    slow = "" if free > needed else ": slow, unless the image serves a smaller model"
    return Finding("memory", fine=True, found=found + slow)


def free_memory() -> int | None:
    """Bytes of main memory that processes can still get; None where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    told = dict(line.split(":", 1) for line in lines if ":" in line)
    kilobytes = told.get("MemAvailable", "").split()
    return int(kilobytes[0]) * 1024 if kilobytes else None


@dataclass(frozen=True)
class Share:
    """The GPUs that one replica is spread over, a shard each."""

    gpus: tuple[Gpu, ...]

    def total(self) -> int:
        """Bytes of all of them."""
        return sum(gpu.memory_bytes for gpu in self.gpus)

    def usable(self, fraction: float, all_of_it: bool) -> int:
        """Bytes that a model gets: every shard is as large as the GPU with the least has room.

        Memory that others hold counts as theirs, unless `all_of_it` is to be free by then.
        """
        room = (
            min(gpu.memory_bytes if all_of_it else gpu.free_bytes, gpu.memory_bytes * fraction)
            - gpu.memory_bytes * (1 - USABLE)
            for gpu in self.gpus
        )
        return max(0, round(min(room) * len(self.gpus)))

    def names(self) -> str:
        """Such as `2 x NVIDIA L4`."""
        kinds = list(dict.fromkeys(gpu.name for gpu in self.gpus))
        return f"{len(self.gpus)} x {' and '.join(kinds)}"
