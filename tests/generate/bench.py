"""A run that samples with a real engine, in this process."""

import asyncio
from functools import partial

import polars as pl

from builder.engines.scripted import ScriptedEngine
from builder.generate.generate import Reports, Work, generate, local
from builder.recipe.annotators import stages
from builder.recipe.schema import Recipe
from builder.recipe.template import PromptTemplate
from builder.release.rows_out import released
from builder.run.progress import Progress
from builder.run.shards import Shards
from builder.select.duplicates import instruction_key
from builder.select.judged import judged
from builder.select.rules import screen_of
from builder.select.selection import decide, select

TEMPLATE = PromptTemplate(
    pre_query="<u>",
    response_prefix="<u>",
    response_suffix="</u><a>",
    stops=("</u>",),
    bos="",
    source="the test",
)


def recipe(**changes):
    values = {
        "name": "bench",
        "version": "1.0.0",
        "summary": "Rows for tests.",
        "model": {"id": "org/none", "license": "mit"},
        "engine": {"kind": "scripted"},
        "seed": 7,
        "target": {"sampled": 40},
        "instruction": {
            "sweep": [{"temperature": 1.0}, {"temperature": 1.2, "top_p": 0.9}],
            "max_tokens": 40,
        },
        "response": {"max_tokens": 40},
        "rules": {"instruction": {"whole": "instruction_finish_reason = 'stop'"}},
    }
    return Recipe.model_validate(values | changes)


class Bench:
    """Samples a recipe into shards of eight rows. What was asked is in `asked`."""

    def __init__(self, folder, rows_a_shard=8):
        self.shards = Shards(folder / "shards", rows_a_shard)
        self.events = []
        self.asked = []
        self.progress = Progress()
        self.engine = None

    def sample(self, recipe_, engine=None, seconds=None, note=None):
        self.asked = []
        self.engine = engine or WatchedEngine()
        self.engine.asked = self.asked
        self.shards.stages = stages(recipe_)
        screen = screen_of(recipe_)
        work = Work(recipe_, TEMPLATE, "f1", screen, instruction_key, preflight=False)
        reports = Reports(self.progress, note or self.note, seconds)
        generate(work, local(lambda: self.engine), self.shards, reports)

    def select(self, recipe_):
        """Select with a recipe: the funnel, and row -> drop reason."""
        self.shards.stages = stages(recipe_)
        path = self.shards.folder.parent / "selection.parquet"
        funnel = select(self.shards, recipe_, path)
        return funnel, dict(pl.read_parquet(path).select("row", "drop_reason").iter_rows())

    def note(self, event, **details):
        self.events.append((event, details))

    def column(self, name):
        """Row -> value of a column, over all shards."""
        return {
            row: value
            for shard in self.shards
            for row, value in shard.rows().select("row", value=name).iter_rows()
        }

    def rows(self):
        """All rows, as they stand on disk."""
        return [row for shard in self.shards for row in shard.rows().iter_rows()]

    def released(self, recipe_):
        """The raw rows that a release would hold."""
        selection = decide(judged(self.shards, recipe_), recipe_)
        frame = pl.concat(shard.rows() for shard in self.shards)
        return released(frame.join(selection, on=["row", "uuid"]), recipe_, TEMPLATE)


class WatchedEngine(ScriptedEngine):
    """The scripted engine; it tells what it was asked, and fails where it is told to.

    `before(number, prompt, params)` is awaited before request `number` is answered.
    """

    def __init__(self, before=None, slots=4):
        super().__init__(slots=slots)
        self.asked = []
        self.closed = 0
        self._before = before

    async def stream(self, prompt, params):
        self.asked.append((prompt, params.seed))
        if self._before is not None:
            await self._before(len(self.asked) - 1, prompt, params)
        async for chunk in super().stream(prompt, params):
            yield chunk

    async def close(self):
        self.closed += 1
        await super().close()


def raising(errors):
    """A `before` that raises `errors[key]` for a request with this seed."""

    async def before(number, prompt, params):
        if params.seed in errors:
            raise errors[params.seed]

    return before


async def shuffled(salt, number, prompt, params):
    """A `before` under which requests come back in an order that depends on `salt`."""
    for _ in range((params.seed * salt) % 97):
        await asyncio.sleep(0)


def in_order(salt):
    return partial(shuffled, salt)
