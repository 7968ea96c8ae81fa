"""The launcher's flags and the environment variables that stand for them, read as strictly."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

TEXTS = (
    "model-id", "revision", "hostname", "huggingface-hub-cache", "weights-cache-override",
    "shard-uds-path", "master-addr", "otlp-endpoint", "otlp-service-name", "cors-allow-origin",
    "api-key", "tokenizer-config-path", "lora-adapters", "watermark-gamma", "watermark-delta",
)  # fmt: skip
COUNTS = (
    "validation-workers", "num-shard", "speculate", "max-concurrent-requests", "max-best-of",
    "max-stop-sequences", "max-top-n-tokens", "max-input-tokens", "max-input-length",
    "max-total-tokens", "max-batch-prefill-tokens", "max-batch-total-tokens",
    "max-waiting-tokens", "max-batch-size", "port", "master-port", "max-client-batch-size",
    "payload-limit", "prometheus-port", "graceful-shutdown-timeout",
)  # fmt: skip
FRACTIONS = ("waiting-served-ratio", "cuda-memory-fraction", "rope-factor")
SWITCHES = (
    "trust-remote-code", "disable-custom-kernels", "json-output", "disable-grammar-support",
    "env", "enable-prefill-logprobs", "disable-usage-stats", "disable-crash-reports",
)  # fmt: skip
CHOICES = {
    "quantize": (
        "awq", "compressed-tensors", "eetq", "exl2", "gptq", "marlin", "bitsandbytes",
        "bitsandbytes-nf4", "bitsandbytes-fp4", "fp8",
    ),
    "dtype": ("float16", "bfloat16"),
    "kv-cache-dtype": ("fp8_e4m3fn", "fp8_e5m2"),
    "rope-scaling": ("linear", "dynamic"),
    "usage-stats": ("on", "off", "no-stack"),
    "sharded": ("true", "false"),
}  # fmt: skip

DEFAULTS: dict[str, Any] = {
    "model_id": "bigscience/bloom-560m", "hostname": "0.0.0.0", "port": 3000,
    "validation_workers": 2, "max_concurrent_requests": 128, "max_best_of": 2,
    "max_stop_sequences": 4, "max_top_n_tokens": 5, "max_client_batch_size": 4,
    "usage_stats": "on",
}  # fmt: skip


class ClapLike(argparse.ArgumentParser):
    """Refuses as the launcher's own parser does: exit status 2, these words on stderr."""

    def error(self, message: str) -> NoReturn:
        sys.stderr.write(
            f"error: {message}\n\nUsage: text-generation-launcher [OPTIONS]\n\n"
            "For more information, try '--help'.\n"
        )
        sys.exit(2)


def whole_number(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(text)
    return int(text)


def cuda_graphs(text: str) -> list[int]:
    return [whole_number(part) for part in text.split(",")]


def parser() -> ClapLike:
    made = ClapLike(prog="text-generation-launcher", allow_abbrev=False)
    for name in TEXTS:
        made.add_argument(f"--{name}")
    for name in COUNTS:
        short = ["-p"] if name == "port" else []
        made.add_argument(f"--{name}", *short, type=whole_number)
    for name in FRACTIONS:
        made.add_argument(f"--{name}", type=float)
    for name in SWITCHES:
        made.add_argument(f"--{name}", action="store_const", const=True)
    for name, choices in CHOICES.items():
        made.add_argument(f"--{name}", choices=choices)
    made.add_argument("--cuda-graphs", type=cuda_graphs)
    return made


def read_flags(argv: Sequence[str], environ: Mapping[str, str] = os.environ) -> argparse.Namespace:
    """The flags, else the environment's, else the defaults. Exits with 2 on an unknown one."""
    made = parser()
    told, unknown = made.parse_known_args(argv)
    if unknown:
        made.error(f"unexpected argument '{unknown[0]}' found")
    from_environment: list[str] = []
    for name, value in vars(told).items():
        text = environ.get(name.upper())
        if value is None and text and name != "env":
            flag = "--" + name.replace("_", "-")
            switch = flag[2:] in SWITCHES
            from_environment += [flag] if switch else [f"{flag}={text}"]
    for name, value in vars(made.parse_args(from_environment)).items():
        if getattr(told, name) is None:
            setattr(told, name, DEFAULTS.get(name) if value is None else value)
    return told
