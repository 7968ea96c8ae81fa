"""How busy `magpie build` keeps the embedded engine.

The limit is llama.cpp alone: the same model, slots, threads, seeds and prompts, asked from plain
threads in a loop that does nothing but send each instruction back for its response. Both are
measured in turn, several times, on the same machine in the same minutes; what counts is the
ratio of their medians.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from builder.engines.embedded import LlamaSettings
from builder.engines.llama_child import request_of, start_server
from builder.generate.sampling import row_seed, sweep_point
from builder.recipe.resolve import Resolved, Source, resolve

ROWS = 400
ROUNDS = 3


def bare(resolved: Resolved, rows: int) -> float:
    """Tokens a second of llama.cpp alone: an instruction and its response, row after row."""
    folder = resolved.model_folder
    assert folder is not None
    settings = LlamaSettings(model=folder / "model.gguf", context=1024)
    server = start_server(json.loads(settings.message()))
    recipe, template, encode = resolved.recipe, resolved.template, resolved.encode()

    def ask(prompt: str, **sampling: object) -> tuple[str, int]:
        message = {"prompt": encode(prompt), "stop": list(template.stops), **sampling}
        result = server.handle_completions(request_of(message))
        return result["choices"][0]["text"], result["usage"]["completion_tokens"]

    def row(number: int) -> int:
        point = sweep_point(recipe.seed, number, recipe.instruction.sweep)
        text, tokens = ask(
            template.pre_query,
            temperature=point.temperature,
            top_p=point.top_p,
            seed=row_seed(recipe.seed, number, "instruct"),
            max_tokens=recipe.instruction.max_tokens,
        )
        prompt = template.response_prompt(text.strip() or "Hello.")
        _, answer = ask(
            prompt, temperature=0, top_p=1, seed=0, max_tokens=recipe.response.max_tokens
        )
        return tokens + answer

    began = time.perf_counter()
    with ThreadPoolExecutor(settings.slots) as threads:
        tokens = sum(threads.map(row, range(rows)))
    return tokens / (time.perf_counter() - began)


def built(run: Path, rows: int) -> float:
    """Tokens a second of `magpie build`, from the start of its sampling to the end."""
    command = [sys.executable, "-m", "builder", "build", "demo", "--run", str(run)]
    subprocess.run([*command, "--sampled", str(rows), "--quiet"], check=True)
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    by_name = {event["event"]: event for event in events}
    began, ended = by_name["sampling"], by_name["sampling-ended"]
    took = datetime.fromisoformat(ended["time"]) - datetime.fromisoformat(began["time"])
    return float(ended["tokens"]) / took.total_seconds()


def main() -> None:
    """Print tokens/s of both, round by round, and the ratio of the medians."""
    resolved = resolve(Source("demo", ()))
    alone: list[float] = []
    ours: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            alone.append(bare(resolved, ROWS))
            ours.append(built(Path(folder) / str(number), ROWS))
            print(
                f"round {number + 1}: llama.cpp alone {alone[-1]:6.0f} tokens/s, "
                f"magpie build {ours[-1]:6.0f} tokens/s"
            )
    ratio = statistics.median(ours) / statistics.median(alone)
    print(f"embedded engine: magpie build / llama.cpp alone = {ratio:.2f} (limit 1, wanted >= 0.9)")
