"""The memory of known models, and whether known GPUs have it."""

import pytest

from builder.recipe.engine_spec import TgiEngineSpec
from builder.server.needs.gpu_fit import fits, shares
from builder.server.needs.gpus import Gpu
from builder.server.needs.memory import (
    Demand,
    cache_bytes,
    kv_bytes,
    main_memory,
    memory_fraction,
    parameters_of,
    shape_of,
    weight_bytes,
)

MIB = 2**20
EIGHT = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
}
SEVENTY = {
    **EIGHT,
    "hidden_size": 8192,
    "intermediate_size": 28672,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
}


def tgi(**options):
    return TgiEngineSpec(kind="tgi", **options)


def cards(count, mib=81920, free=None, name="NVIDIA A100-SXM4-80GB"):
    return tuple(Gpu(i, name, mib * MIB, (free or mib) * MIB, "550.54") for i in range(count))


def demand(config, tokens=4096, quantize=None):
    shape = shape_of(config)
    weights = weight_bytes(parameters_of(config), None, quantize, config)
    return Demand("Llama", weights, kv_bytes(shape), tokens, shape)


def judged(spec, gpus, wanted, ours_run=False):
    return [str(one) for one in fits(spec, shares(spec, gpus), wanted, ours_run)]


@pytest.mark.parametrize(
    ("config", "parameters", "a_token"),
    [(EIGHT, 8_030_261_248, 131_072), (SEVENTY, 70_553_706_496, 327_680)],
)
def test_known_models(config, parameters, a_token):
    assert parameters_of(config) == parameters
    assert weight_bytes(parameters, None, None, config) == 2 * parameters
    assert kv_bytes(shape_of(config)) == a_token
    assert kv_bytes(shape_of(config), cache_bytes=1) == a_token // 2


def test_a_config_that_nests_its_text_part_ties_its_tables_or_names_its_head_dim():
    text = {**EIGHT, "head_dim": 256, "tie_word_embeddings": True}

    assert shape_of({"text_config": text}).head_dim == 256
    assert parameters_of({**EIGHT, "tie_word_embeddings": True}) == 8_030_261_248 - 4096 * 128256
    assert parameters_of({**EIGHT, "num_local_experts": 8}) is None
    assert (shape_of({}), parameters_of({}), shape_of({"hidden_size": "x"})) == (None, None, None)


def test_quantized_weights():
    tables, rest = 2 * 4096 * 128256, 8_030_261_248 - 2 * 4096 * 128256

    def weights(quantize, stored=None, config=EIGHT):
        return weight_bytes(8_030_261_248, stored, quantize, config)

    assert weights("fp8") == weights("eetq") == rest + 2 * tables
    assert weights("bitsandbytes-nf4") == round(rest * 0.5625) + 2 * tables
    assert weights("awq", stored=5_700_000_000) == 5_700_000_000
    assert weights(None, 5_700_000_000, {**EIGHT, "quantization_config": {}}) == 5_700_000_000
    assert weights(None, stored=32_000_000_000) == 16_060_522_496  # stored as float32
    assert weight_bytes(None, 14_000_000, None, {}) == 14_000_000
    assert weight_bytes(None, None, None, {}) is None


def test_flags_that_change_the_memory():
    two = tgi(launcher=["--cuda-memory-fraction", "0.8", "--kv-cache-dtype=fp8_e5m2"])

    assert (memory_fraction(two), cache_bytes(two)) == (0.8, 1)
    assert (memory_fraction(tgi()), cache_bytes(tgi())) == (1.0, 2)


def test_seventy_billion_fit_on_two_gpus_of_80_gb():
    assert judged(tgi(), cards(2), demand(SEVENTY)) == [
        "GPU memory: Llama needs 141 GB for its weights and 1.3 GB for one request of 4,096 "
        "tokens; 2 x NVIDIA A100-SXM4-80GB have 172 GB, 155 GB of it for a model: fits, with room "
        "for 10 such requests at once"
    ]


def test_seventy_billion_do_not_fit_on_one():
    assert judged(tgi(num_shard=1), cards(4), demand(SEVENTY)) == [
        "GPU memory: Llama needs 141 GB for its weights and 1.3 GB for one request of 4,096 "
        "tokens; 1 x NVIDIA A100-SXM4-80GB has 85.9 GB, 77.3 GB of it for a model: does not fit. "
        "Use 2 GPUs a replica (`--set engine.gpus=2`), or `--set engine.quantize=fp8`, "
        "or a smaller model"
    ]


def test_nothing_helps_but_a_smaller_model():
    wanted = Demand("Huge", 4 * 10**12, 0, 4096)

    assert judged(tgi(gpus=1), cards(1), wanted) == [
        "GPU memory: Huge needs 4000 GB for its weights; 1 x NVIDIA A100-SXM4-80GB has 85.9 GB, "
        "77.3 GB of it for a model: does not fit. Use a smaller model"
    ]


def test_memory_that_others_hold_is_not_there_unless_it_is_ours():
    gpus = cards(1, 23034, free=9000, name="NVIDIA L4")

    assert judged(tgi(), gpus, demand(EIGHT)) == [
        "GPU memory: Llama needs 16.1 GB for its weights and 537 MB for one request of 4,096 "
        "tokens; 1 x NVIDIA L4 has 24.2 GB, 7.0 GB of it for a model: does not fit (GPU 0 has "
        "9.4 GB free of 24.2 GB). Stop what holds it (`nvidia-smi` names the processes), or "
        "choose others: `--set engine.gpus=[INDEX, ...]`"
    ]
    assert judged(tgi(), gpus, demand(EIGHT), ours_run=True) == [
        "GPU memory: Llama needs 16.1 GB for its weights and 537 MB for one request of 4,096 "
        "tokens; 1 x NVIDIA L4 has 24.2 GB, 21.7 GB of it for a model: fits, with room for 10 "
        "such requests at once"
    ]


def test_a_part_of_the_gpu_can_be_asked_for():
    half = tgi(launcher=["--cuda-memory-fraction", "0.5"])

    assert "does not fit" in judged(half, cards(1, 23034), demand(EIGHT))[0]


def test_heads_must_go_round():
    assert judged(tgi(), cards(3), demand(EIGHT)) == [
        "shards: Llama has 32 heads and 8 KV heads, which 3 shards cannot share evenly. "
        "`--set engine.num_shard=2`"
    ]


def test_memory_that_is_not_told_is_not_judged():
    finding = fits(tgi(), shares(tgi(), cards(1, 0)), demand(EIGHT), False)[0]

    assert (finding.fine, finding.found) == (
        True,
        "not told by nvidia-smi; Llama needs 16.1 GB for its weights and 537 MB for one request "
        "of 4,096 tokens",
    )


def test_gpus_are_dealt_out_to_replicas():
    def indices(**options):
        return [[gpu.index for gpu in one.gpus] for one in shares(tgi(**options), cards(4))]

    assert indices() == [[0, 1, 2, 3]]
    assert indices(replicas=2) == [[0, 1], [2, 3]]
    assert indices(replicas=2, num_shard=1) == [[0], [2]]
    assert indices(gpus=[3, 1], replicas=2) == [[3], [1]]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"gpus": 4},
            "GPUs: engine.gpus asks for 2, 3; this machine has 0, 1. `--set engine.gpus=2`",
        ),
        (
            {"num_shard": 4},
            "GPUs: engine.num_shard is 4, and each replica gets 2 of 2 GPUs. "
            "`--set engine.num_shard=2`",
        ),
        (
            {"replicas": 3},
            "GPUs: 2 GPUs (0, 1) cannot be dealt out evenly to 3 replicas. Choose engine.gpus and "
            "engine.replicas so that one divides the other, such as `--set engine.gpus=3`.",
        ),
    ],
)
def test_gpus_that_do_not_go_round(options, said):
    assert str(shares(tgi(**options), cards(2))) == said


def test_without_gpus_the_memory_of_the_machine_is_told_and_nothing_refused():
    small, huge = Demand("tiny", 8_000_000, 1024, 1000), Demand("huge", 10**15, 0, 1000)

    told, tight = main_memory(small, 2), main_memory(huge, 1)

    assert (told.fine, tight.fine) == (True, True)
    assert told.found.endswith("needed for 2 replicas of tiny")
    assert tight.found.endswith(
        "1000000 GB needed for 1 replica of huge: slow, unless the image serves a smaller model"
    )
