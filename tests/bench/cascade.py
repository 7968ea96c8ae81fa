"""Tokens generated per kept row: judged before the response, against the paper's order.

The paper answers every instruction and judges afterwards (`respond: all`). Both orders sample the
same rows with the same seeds and keep the same ones; only what is paid for differs. It is run with
the scripted engine, whose answers are given the length of the paper's turns, and with the demo
model, whose answers are about as long as its instructions: with such a model there is little to
be saved, since every instruction must be written, and judged, in either order.
"""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import replace
from pathlib import Path

from builder.engines.base import SamplingParams, Served
from builder.engines.scripted import ScriptedEngine
from builder.generate.generate import Reports, generate, local
from builder.generate.means import means_of
from builder.generate.work import Means, Work
from builder.recipe.annotators import stages
from builder.recipe.resolve import Resolved, Source, resolve
from builder.run.progress import Progress
from builder.run.shards import Shards
from builder.select.duplicates import instruction_key
from builder.select.rules import screen_of
from builder.select.selection import select

BOUND = 0.25
"""Share of the tokens of the paper's order that the cascade may take at a yield of one in ten."""

TOKENS_A_TURN = 426
"""Tokens of an Air turn (facts of the Magpie paper: mean 426, standard deviation 217)."""

RECIPE = """\
name: cascade
version: 1.0.0
summary: The filter of Air at its yield.
model: {id: demo, license: apache-2.0}
engine: {kind: embedded, context: 1024}
seed: 2406
target: {sampled: %d}
instruction: {sweep: [{temperature: 1.0}], max_tokens: 192}
response: {max_tokens: 512}
respond: %s
annotate:
  embedding:
  neighbours: {drop_within: 0.000001}
  quality: {max_characters: 1200}
  difficulty: {max_characters: 1200}
  category: {max_characters: 1200}
rules:
  instruction:
    whole-instruction: "instruction_finish_reason = 'stop'"
    good: "input_quality >= '%s'"
    not-easy: "difficulty >= '%s'"
  response:
    whole-response: "finish_reason = 'stop'"
"""

DEMO_ROWS, SCRIPTED_ROWS = 300, 2_000

DEMO_LABELS, SCRIPTED_LABELS = ("good", "hard"), ("excellent", "medium")
"""Least quality and difficulty with which about one row in ten is kept: the demo model finds few
instructions hard, and the scripted engine gives all labels alike."""


class PaperLengths(ScriptedEngine):
    """The scripted engine; what answers an instruction is as long as the paper's turns."""

    async def stream(self, prompt: str, params: SamplingParams):
        if not params.whole or params.schema is not None:
            async for chunk in super().stream(prompt, params):
                yield chunk
            return
        tokens = 0
        while tokens < TOKENS_A_TURN:
            longer = replace(params, seed=params.seed + tokens, temperature=1.0)
            async for chunk in super().stream(prompt, longer):
                if chunk.finish_reason is not None or tokens + chunk.tokens > TOKENS_A_TURN:
                    break
                tokens += chunk.tokens
                yield chunk
        yield replace(chunk, text="", tokens=1, finish_reason="stop")


def main() -> None:
    """Print, for both engines, the tokens per kept row of both orders and their ratio."""
    for name, rows, labels in (
        ("scripted engine, answers of the paper's length", SCRIPTED_ROWS, SCRIPTED_LABELS),
        ("demo model", DEMO_ROWS, DEMO_LABELS),
    ):
        _compare(name, rows, labels)


def _compare(name: str, rows: int, labels: tuple[str, str]) -> None:
    scripted = name.startswith("scripted")
    paper = _run(rows, "all", labels, scripted=scripted)
    cascade = _run(rows, "survivors", labels, scripted=scripted)
    assert paper["kept rows"] == cascade["kept rows"], "the orders keep different rows"
    kept = len(cascade["kept rows"])
    print(f"{name}: {rows} sampled, {kept} kept ({kept / rows:.1%})")
    for order, used in (("the paper's order", paper), ("cascade", cascade)):
        by_stage = ", ".join(f"{stage} {tokens:,}" for stage, tokens in used["stages"].items())
        total = sum(used["stages"].values())
        print(f"  {order:18} {total / kept:8,.0f} tokens a kept row   ({by_stage})")
    ratio = sum(cascade["stages"].values()) / sum(paper["stages"].values())
    print(f"  ratio              {ratio:8.3f}   (bound {BOUND})")


def _run(rows: int, respond: str, labels: tuple[str, str], *, scripted: bool) -> dict:
    """The tokens that each stage generated, and the rows that were kept."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cascade.yaml"
        path.write_text(RECIPE % (rows, respond, *labels))
        resolved = resolve(Source(str(path)))
        recipe, progress = resolved.recipe, Progress()
        shards = Shards(Path(folder) / "shards", 500, stages(recipe))
        work = Work(
            recipe, resolved.template, "bench", screen_of(recipe), instruction_key, preflight=False
        )
        generate(work, _means(resolved, scripted=scripted), shards, Reports(progress, _silent))
        select(shards, recipe, Path(folder) / "selection.parquet")
        kept = _kept(Path(folder) / "selection.parquet")
    tokens = {
        stage.split("-")[0]: int(str(use["tokens_out"])) for stage, use in progress.stages.items()
    }
    return {"stages": {name: n for name, n in tokens.items() if n}, "kept rows": kept}


def _means(resolved: Resolved, *, scripted: bool) -> Means:
    if scripted:
        return local(lambda: PaperLengths(slots=64))
    return means_of(resolved, Path("/dev/null"), lambda: contextlib.nullcontext(Served()))


def _kept(selection: Path) -> list[int]:
    import polars as pl

    return pl.read_parquet(selection).filter(pl.col("drop_reason").is_null())["row"].to_list()


def _silent(event: str, **details: object) -> None:
    """Note nothing."""
