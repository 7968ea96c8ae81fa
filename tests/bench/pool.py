"""How busy the pool keeps a server: rows a second of a whole run against a bare loop.

The limit is a loop that always has as many requests in flight as the server takes, does nothing
but send each instruction back for its response, and writes nothing down. Ours is `generate` with
its pool, its judges, its journals. Both ask the same questions with the same engine class of the
same server, a TGI with a scripted author that writes at a fixed speed, so the server is the limit;
both are measured in turn, several times, in the same minutes.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.engines.base import Chunk, SamplingParams, complete
from builder.engines.pool.pool import Pool
from builder.engines.tgi.engine import connect_tgi
from builder.generate.sampling import row_seed, sweep_point
from builder.recipe.schema import Recipe
from tests.servers.tgi import tgi_process
from tests.soak.rig import MODEL, TEMPLATE, Soak, recipe_of

ROUNDS = 3
WORDS = 20
"""Words of a text on average."""


@dataclass(frozen=True)
class Case:
    """A server: `batch` texts at once, each at `rate` tokens a second; it lets `takes` in."""

    name: str
    batch: int
    takes: int
    rate: float
    rows: int

    @property
    def environ(self) -> dict[str, str]:
        told = {"SLOTS": self.batch, "RATE": self.rate, "WORDS": WORDS, "AUTHOR": "scripted"}
        return {f"MAGPIE_TEST_{name}": str(value) for name, value in told.items()}


CASES = (
    Case("batch of 32, takes 128", batch=32, takes=128, rate=40.0, rows=400),
    Case("batch of 128, takes 128", batch=128, takes=128, rate=10.0, rows=400),
)


async def bare(recipe: Recipe, in_flight: int, rows: int) -> float:
    """Rows a second of a loop with `in_flight` requests."""
    engine = await connect_tgi(recipe.engine.endpoint[0], MODEL, recipe.engine)  # type: ignore[arg-type]
    numbers = iter(range(rows))

    async def worker(numbers: Iterator[int]) -> None:
        for number in numbers:
            point = sweep_point(recipe.seed, number, recipe.instruction.sweep)
            asked = SamplingParams(
                temperature=point.temperature,
                top_p=point.top_p,
                max_tokens=recipe.instruction.max_tokens,
                seed=row_seed(recipe.seed, number, "instruct"),
                stop=TEMPLATE.stops,
            )
            instruction = await complete(engine, TEMPLATE.pre_query, asked)
            answered = SamplingParams(
                temperature=recipe.response.temperature,
                top_p=recipe.response.top_p,
                max_tokens=recipe.response.max_tokens,
                seed=row_seed(recipe.seed, number, "respond"),
                stop=TEMPLATE.stops,
                whole=True,
            )
            await complete(engine, TEMPLATE.response_prompt(instruction.text.strip()), answered)

    began = time.perf_counter()
    await asyncio.gather(*(worker(numbers) for _ in range(in_flight)))
    speed = rows / (time.perf_counter() - began)
    await engine.close()
    return speed


def ours(recipe: Recipe, folder: Path, rows: int) -> tuple[float, float]:
    """Rows a second of a run, and the share of time in which its server was idle."""
    soak = Soak(folder)
    soak.sample(recipe)
    assert soak.rows().height == rows
    return rows / soak.progress.seconds, soak.progress.idle_share


def measure(case: Case) -> None:
    """Print both speeds, round by round, and the ratio of their medians."""
    limit: list[float] = []
    reached: list[float] = []
    flags = ("--max-concurrent-requests", str(case.takes))
    with (
        tempfile.TemporaryDirectory() as folder,
        tgi_process(*flags, environ=case.environ) as server,
    ):
        recipe = recipe_of([server.url], case.rows).model_copy(update={"respond": "all"})
        for number in range(ROUNDS):
            limit.append(asyncio.run(bare(recipe, case.takes, case.rows)))
            speed, idle = ours(recipe, Path(folder) / str(number), case.rows)
            reached.append(speed)
            print(
                f"{case.name}, round {number + 1}: bare loop {limit[-1]:5.1f} rows/s, "
                f"magpie {speed:5.1f} rows/s, server idle {idle:.1%}"
            )
    ratio = statistics.median(reached) / statistics.median(limit)
    print(f"{case.name}: magpie / bare loop = {ratio:.2f} (limit 1, wanted >= 0.95)")


class Instant:
    """An engine that answers at once: what is left is the pool's own work."""

    slots = 128

    async def stream(self, prompt: str, params: SamplingParams) -> AsyncGenerator[Chunk]:
        await asyncio.sleep(0)
        yield Chunk(prompt, 1, "stop")

    async def close(self) -> None:
        """Nothing to close."""


async def own_work(lanes: int, requests: int = 40_000) -> float:
    """Requests a CPU-second through a pool over so many engines, more of them than it lets in."""
    pool = Pool([Instant() for _ in range(lanes)])
    left = iter(range(requests))
    params = SamplingParams(1.0, 1.0, 100, 0)

    async def worker() -> None:
        for _ in left:
            await pool.complete("a", params)

    began = time.process_time()
    await asyncio.gather(*(worker() for _ in range(160 * lanes)))
    return requests / (time.process_time() - began)


def main() -> None:
    """Measure the pool's own work, then all cases."""
    for lanes in (1, 4):
        speed = statistics.median(asyncio.run(own_work(lanes)) for _ in range(ROUNDS))
        print(f"engines that answer at once, {lanes}: {speed:,.0f} requests a CPU-second")
    for case in CASES:
        measure(case)


if __name__ == "__main__":
    main()
