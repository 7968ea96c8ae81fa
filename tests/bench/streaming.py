"""Tokens a CPU-second of a client process: the Hub's own client, and ours on the same requests.

Each client runs in a process of its own, which tells its CPU time; the server is another one and
sends answers of 200 tokens as cheaply as it can, so the clock is that of the server and the CPU
time that of the client. Both are asked in turn, several times; what counts is the ratio of medians.

    drip       64 streams, one event a write, as fast as the server can
    slow drip  64 streams, one event a write, 50 events a second in each, as from a real GPU
    one piece  64 streams, all events of an answer in one write
    whole      64 requests at once, answers that are no streams
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.servers.drip import drip_server

ROOT = Path(__file__).resolve().parents[2]
STREAMS = 64
TOKENS = 200
ROUNDS = 2

Answer = Callable[[], Awaitable[int]]
"""Asks once and returns how many tokens came."""


@dataclass(frozen=True)
class Case:
    """A way to answer, and how often each client asks in each of its streams."""

    name: str
    rate: float | None = None
    in_one: bool = False
    whole: bool = False
    asks: tuple[int, int] = (1, 10)  # the Hub's client, ours
    wanted: float | None = None


CASES = (
    Case("drip", wanted=5),
    Case("slow drip", rate=50, asks=(1, 2), wanted=5),
    Case("one piece", in_one=True, asks=(1, 40), wanted=10),
    Case("whole", whole=True, asks=(1, 10)),
)


async def the_hubs(url: str, kind: str) -> tuple[Answer, Callable[[], Awaitable[None]]]:
    """`text_generation` of the stock client, or of ours."""
    if kind.startswith("stock"):
        from huggingface_hub import AsyncInferenceClient as Client
    else:
        from builder.engines.tgi.inference_client import FastInferenceClient as Client
    client = Client(url, token="unused")

    async def stream() -> int:
        asked = {"stream": True, "details": True, "max_new_tokens": TOKENS}
        count = 0
        async for output in await client.text_generation("Hi", **asked):
            count += bool(output.token.id)
        return count

    async def whole() -> int:
        found = await client.text_generation("Hi", details=True, max_new_tokens=TOKENS)
        return len(found.details.tokens)

    return (whole if kind.endswith("whole") else stream), client.close


async def the_engines(
    url: str, kind: str, processes: int | None
) -> tuple[Answer, Callable[[], Awaitable[None]]]:
    """The tgi engine as the pool asks it, each answer cut at its stops."""
    from builder.engines.base import SamplingParams, complete
    from builder.engines.clients.processes import connect_processes
    from builder.engines.remote.model import RemoteModel
    from builder.engines.tgi.engine import connect_tgi
    from builder.recipe.engine_spec import TgiEngineSpec

    spec = TgiEngineSpec(kind="tgi", client_processes=processes)
    model = RemoteModel("<|begin_of_text|>", lambda: lambda text: [])
    connect = connect_processes if processes else connect_tgi
    engine = await connect(url, model, spec)
    whole = kind.endswith("whole")
    params = SamplingParams(1.0, 1.0, TOKENS, 7, ("<|eot_id|>", "<|end_of_text|>"), whole)

    async def ask() -> int:
        return (await complete(engine, "<|begin_of_text|>Hi", params)).tokens

    return ask, engine.close


async def measure(url: str, kind: str, asks: int, processes: int | None) -> dict[str, float]:
    """Ask `asks` times in each stream; what it took, after a first answer."""
    if kind.startswith("engine"):
        ask, close = await the_engines(url, kind, processes)
    else:
        ask, close = await the_hubs(url, kind)
    await asyncio.gather(*(ask() for _ in range(STREAMS if processes else 1)))
    tokens = 0

    async def stream() -> None:
        nonlocal tokens
        for _ in range(asks):
            came = await ask()
            tokens += came

    clock, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(stream() for _ in range(STREAMS)))
    found = {"tokens": tokens, "cpu": time.process_time() - cpu}
    found["clock"] = time.perf_counter() - clock
    await close()
    return found


def measured(url: str, kind: str, asks: int, processes: int | None = None) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.streaming", url, kind, str(asks)]
    told = subprocess.run(
        [*command, *([f"--processes={processes}"] if processes else [])],
        cwd=ROOT,
        env={**os.environ, "HF_HUB_OFFLINE": "0"},
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, float] = json.loads(told.stdout)
    assert found["tokens"] == STREAMS * asks * TOKENS
    return found


def compare(case: Case) -> None:
    """Print a case: each client's tokens a CPU-second, and the ratios."""
    kinds = tuple(kind + "-whole" * case.whole for kind in ("stock", "fast", "engine"))
    rates: dict[str, list[float]] = {kind: [] for kind in kinds}
    with drip_server(TOKENS, case.rate, whole=case.in_one) as url:
        for _ in range(ROUNDS):
            for kind in kinds:
                asks = case.asks[not kind.startswith("stock")]
                found = measured(url, kind, asks)
                rates[kind].append(found["tokens"] / found["cpu"])
    stock, fast, engine = (statistics.median(rates[kind]) for kind in kinds)
    wanted = f" (wanted >= {case.wanted:g})" if case.wanted else ""
    print(
        f"{case.name:9}: AsyncInferenceClient {stock:9,.0f} tokens/CPU-s, "
        f"FastInferenceClient {fast:9,.0f} = {fast / stock:5.1f} times{wanted}, "
        f"tgi engine {engine:9,.0f} = {engine / stock:5.1f} times"
    )


def spread() -> None:
    """Print what one and two processes of the client get through, and what is left to the parent.

    A parent beside children has only a line an answer to handle: how many times more tokens it
    bears a CPU-second says how far processes can be added.
    """
    for name, whole in (("one piece", False), ("whole", True)):
        with drip_server(TOKENS, whole=True) as url:
            kind = "engine-whole" if whole else "engine"
            found = [measured(url, kind, 100, processes) for processes in (None, 2)]
        one, two = (each["tokens"] / each["clock"] for each in found)
        alone, beside = (each["tokens"] / each["cpu"] for each in found)
        print(
            f"processes, {name}: 1 gets {one:,.0f} tokens/s by the clock, 2 get {two:,.0f} "
            f"({os.cpu_count()} cores, and the server needs one); their parent bears "
            f"{beside:,.0f} tokens/CPU-s = {beside / alone:.1f} times"
        )


def main() -> None:
    """Print all cases."""
    for case in CASES:
        compare(case)
    spread()


def child() -> None:
    """What each process does."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("kind")
    parser.add_argument("asks", type=int)
    parser.add_argument("--processes", type=int)
    told = parser.parse_args()
    print(json.dumps(asyncio.run(measure(told.url, told.kind, told.asks, told.processes))))


if __name__ == "__main__":
    child()
