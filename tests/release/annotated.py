"""What annotators said of the rows of a run, written by hand into the journals of real shards."""

import contextlib
import struct

from builder.recipe.annotators import annotations_of, stages
from builder.run.shards import Shards, journalled
from tests.select.tiny_run import recipe

ANNOTATE = {
    "embedding": {},
    "neighbours": {"within": 0.05, "drop_within": 0.02},
    "quality": {},
    "category": {},
    "refusal": {},
    "reward": {"endpoint": "http://node17:8081", "api_key_env": "REWARD_KEY", "concurrency": 3},
}
RULES = {
    "instruction": {
        "whole": "instruction_finish_reason = 'stop'",
        "good": "input_quality >= 'good'",
    },
    "response": {"complete": "finish_reason = 'stop'"},
}


def annotated_recipe(**changes):
    """A recipe with annotators of every kind. Its way: near twins, quality, response, and then
    `refusal`, `reward` and `category`, which no rule needs."""
    return recipe(**({"annotate": ANNOTATE, "rules": RULES} | changes))


def vector(*numbers):
    """A vector as the embedding's column holds it."""
    return {"embedding": struct.pack(f"<{len(numbers)}f", *numbers), "embedding_model": "tiny"}


def quality(label, **changes):
    """A judgement of the quality."""
    said = {"input_quality": label, "quality_explanation": "why", "quality_generator": "/m/judge"}
    return said | changes


def annotate(shards, chosen, said):
    """Append `said`, annotator -> row number -> values, and return the shards with all stages."""
    shards = Shards(shards.folder, shards.rows_a_shard, stages(chosen))
    names = {one.name: one.stage for one in annotations_of(chosen)}
    with contextlib.ExitStack() as stack:
        journals = {}
        for name, rows in said.items():
            for number, values in rows.items():
                shard = shards.of_row(number)
                if (shard, name) not in journals:
                    journals[shard, name] = stack.enter_context(shard.open_journal(names[name]))
                record = {"row": number, "uuid": f"u{number}"} | values
                journals[shard, name].append(journalled(record))
    return shards
