"""Rows sampled by the real thing: `generate`, its journals and shards, the engines of servers."""

import asyncio
import contextlib
from collections import Counter

import polars as pl

from builder.engines.base import Served
from builder.engines.remote.model import RemoteModel
from builder.engines.tgi.engine import connect_tgi
from builder.generate.generate import Means, Reports, Work, generate
from builder.recipe.schema import Recipe
from builder.recipe.template import derive_template
from builder.recipe.tokenizer_files import load_tokenizer_files
from builder.recipe.tokens import encoder
from builder.run.progress import Progress
from builder.run.shards import Shards
from builder.select.duplicates import instruction_key
from builder.select.judged import judged
from builder.select.rules import screen_of
from builder.select.selection import decide

FILES = load_tokenizer_files("demo", "main", None)
TEMPLATE = derive_template(FILES, None)
MODEL = RemoteModel(TEMPLATE.bos, lambda: encoder(FILES))

ERRORS = ("instruction_error", "response_error")


def recipe_of(endpoints, rows, **engine):
    return Recipe.model_validate(
        {
            "name": "soak",
            "version": "1.0.0",
            "summary": "Rows that come through whatever goes wrong.",
            "model": {"id": "org/none", "license": "mit"},
            "engine": {"kind": "tgi", "endpoint": list(endpoints), **engine},
            "seed": 7,
            "target": {"sampled": rows},
            "instruction": {
                "sweep": [{"temperature": 1.0}, {"temperature": 1.2, "top_p": 0.9}],
                "max_tokens": 60,
            },
            "response": {"max_tokens": 80},
            "rules": {
                "instruction": {
                    "whole": "instruction_finish_reason = 'stop'",
                    "long": "instruction_length >= 30",
                },
                "response": {"whole-response": "finish_reason = 'stop'"},
            },
        }
    )


class Soak:
    """One run in a folder. `events` are what it noted, `progress` how it ended."""

    def __init__(self, folder):
        self.shards = Shards(folder / "shards", 100)
        self.progress = Progress()
        self.events = []

    def sample(self, recipe):
        spec = recipe.engine
        screen = screen_of(recipe)
        work = Work(recipe, TEMPLATE, "soak", screen, instruction_key, preflight=False)

        async def connect(served):
            engines = (connect_tgi(url, MODEL, spec) for url in served.endpoints)
            return await asyncio.gather(*engines)

        means = Means(lambda: contextlib.nullcontext(Served(spec.endpoint)), connect)
        reports = Reports(self.progress, lambda event, **told: self.events.append((event, told)))
        generate(work, means, self.shards, reports)

    def rows(self):
        """All rows as they stand on disk."""
        return pl.concat(shard.rows() for shard in self.shards).sort("row")

    def lines(self, stage):
        """How often each row stands in a stage on disk."""
        return Counter(row for shard in self.shards for row in shard.stage(stage)["row"])

    def given_up(self):
        """Row -> why it was given up."""
        return {
            record["row"]: record[name]
            for record in self.rows().iter_rows(named=True)
            for name in ERRORS
            if record[name] is not None
        }

    def kept(self, recipe):
        """Row -> its texts, of the rows that a release would keep."""
        selection = decide(judged(self.shards, recipe), recipe)
        stays = selection.filter(pl.col("drop_reason").is_null())
        frame = self.rows().join(stays.select("row"), on="row")
        return {row: texts for row, *texts in frame.select("row", *TEXTS).iter_rows()}


TEXTS = ("uuid", "seed", "instruction", "instruction_finish_reason", "response", "finish_reason")
