"""Runs of a few rows, written by hand into the journals of real shards."""

import contextlib

from builder.recipe.schema import Recipe
from builder.recipe.template import PromptTemplate
from builder.run.shards import Shards

TEMPLATE = PromptTemplate(
    pre_query="<|begin|><|user|>\n\n",
    response_prefix="<|begin|><|user|>\n\n",
    response_suffix="<|end|><|assistant|>\n\n",
    stops=("<|end|>", "|"),
    bos="<|begin|>",
    source="/somewhere/on/this/machine",
)


def recipe(**changes):
    """A recipe with two rules on the instruction and two on the response."""
    values = {
        "name": "tiny",
        "version": "1.2.0",
        "summary": "Rows for tests.",
        "model": {"id": "org/tiny-model", "revision": "abc123", "license": "apache-2.0"},
        "engine": {"kind": "scripted"},
        "seed": 7,
        "target": {"sampled": 1000},
        "instruction": {
            "sweep": [
                {"temperature": 1.0, "top_p": 1.0, "weight": 3.0},
                {"temperature": 1.2, "top_p": 0.99},
            ],
            "max_tokens": 64,
        },
        "response": {"max_tokens": 128},
        "rules": {
            "instruction": {
                "whole": "instruction_finish_reason = 'stop'",
                "short": "instruction_length > 3",
            },
            "response": {"complete": "finish_reason = 'stop'", "wordy": "response_length >= 2"},
        },
        "publish": {"repo": "org/tiny-set", "split": "pro"},
    }
    return Recipe.model_validate(values | changes)


def row(number, instruction, response="fine", **changes):
    """The records of one row, instruct and respond; `response=None` leaves the second out."""
    hot = number % 4 == 3
    instruct = {
        "row": number,
        "uuid": f"u{number}",
        "temperature": 1.2 if hot else 1.0,
        "top_p": 0.99 if hot else 1.0,
        "seed": 1000 + number,
        "instruction": instruction,
        "instruction_length": None if instruction is None else len(instruction),
        "instruction_tokens": None if instruction is None else len(instruction.split()),
        "instruction_finish_reason": None if instruction is None else "stop",
        "instruction_error": "gone" if instruction is None else None,
    }
    instruct |= {name: value for name, value in changes.items() if name in instruct}
    if response is None and "response_error" not in changes:
        return instruct, None
    respond = {
        "row": number,
        "uuid": f"u{number}",
        "response": response,
        "response_length": None if response is None else len(response),
        "response_tokens": None if response is None else len(response.split()),
        "finish_reason": None if response is None else "stop",
        "response_error": None,
    }
    return instruct, respond | {name: value for name, value in changes.items() if name in respond}


def write_run(folder, rows, rows_a_shard=4, complete=False):
    """Append rows to the journals of a run's shards in the order in which they come."""
    shards = Shards(folder / "shards", rows_a_shard)
    with contextlib.ExitStack() as stack:
        journals = {}
        for records in rows:
            for stage, record in zip(("instruct", "respond"), records, strict=True):
                if record is not None:
                    shard = shards.of_row(record["row"])
                    if (shard, stage) not in journals:
                        journal = stack.enter_context(shard.open_journal(stage))
                        journals[shard, stage] = journal
                    journals[shard, stage].append(record)
    if complete:
        for shard in shards:
            shard.complete("instruct")
            shard.complete("respond")
    return shards
