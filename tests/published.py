"""Rows in the layout of the published Magpie sets, and a recipe that annotates them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

PRE_QUERY = "<|start_header_id|>user<|end_header_id|>\n\n"

LEVELS = ("very easy", "easy", "medium", "hard", "very hard")

RECIPE = """\
name: again
version: 1.0.0
summary: A published set, filtered anew.
source: {dataset: set.parquet}
model: {id: org/writer, license: llama3}
annotate: [repetition]
rules:
  instruction:
    demanding: "difficulty >= 'medium'"
    no-loop: "instruction_repetition < 0.5"
  response:
    rewarded: "instruct_reward > 0"
"""


def published_row(number: int, **changes: Any) -> dict[str, Any]:
    """Row `number` of a set: its difficulty goes through `LEVELS`, its reward is -1 or 1."""
    instruction = f"What is {number} plus {number}, and why is it not {number + 1}?"
    response = f"It is {2 * number}."
    row: dict[str, Any] = {
        "uuid": f"uuid-{number}",
        "model": "org/writer",
        "gen_input_configs": {
            "temperature": 1.0,
            "top_p": 0.995,
            "input_generator": "org/writer",
            "seed": 1000 + number,
            "pre_query_template": PRE_QUERY,
        },
        "instruction": instruction,
        "response": response,
        "conversations": [
            {"from": "human", "value": instruction},
            {"from": "gpt", "value": response},
        ],
        "task_category": "Math" if number % 2 else "Other",
        "other_task_category": ["Reasoning"],
        "task_category_generator": "org/judge",
        "difficulty": LEVELS[number % len(LEVELS)],
        "intent": "to add",
        "input_quality": "good",
        "llama_guard_2": "safe",
        "instruct_reward": 1.0 if number % 4 else -1.0,
        "min_neighbor_distance": 0.5,
        "repeat_count": 0,
        "language": "EN",
    }
    return {name: value for name, value in (row | changes).items() if value is not ...}


def write_set(
    path: Path, rows: int, changes: Mapping[int, Mapping[str, Any]] | None = None
) -> Path:
    """Write a set of so many rows as Parquet; `changes` are those of single rows."""
    values = [published_row(number, **(changes or {}).get(number, {})) for number in range(rows)]
    pl.DataFrame(values, infer_schema_length=None).write_parquet(path)
    return path
