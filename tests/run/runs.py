"""Run directories made by hand."""

from pathlib import Path

from builder.recipe.resolve import Source, resolve
from builder.run.directory import RunDirectory
from builder.run.offer import offer
from tests.run.records import instruct

RECIPE = """
name: tiny
version: 1.0.0
summary: Rows for tests.
model: {id: org/tiny, license: mit}
template:
  pre_query: "<u>"
  response_prefix: "<u>"
  response_suffix: "</u><a>"
  stops: ["</u>"]
  bos: ""
engine: {kind: scripted}
seed: 1
target: {kept: 100}
instruction:
  sweep: [{temperature: 1.0}, {temperature: 1.2, top_p: 0.9, weight: 2.0}]
  max_tokens: 64
response: {max_tokens: 64}
rules:
  instruction: {long: "instruction_length >= 30"}
"""


def resolved(folder: Path, *overrides):
    path = folder / "tiny.yaml"
    path.write_text(RECIPE)
    return resolve(Source(str(path), overrides))


def sampled(folder: Path, *overrides):
    """A run that holds one row, and its record."""
    run, record = begun(folder, *overrides)
    with run.shards(record).shard(0).open_journal("instruct") as journal:
        journal.append(instruct(0))
    return run, record


def begun(folder: Path, *overrides):
    """A run that has just begun, and its record."""
    run = RunDirectory(folder / "run")
    with run.lock():
        return run, run.begin(offer(resolved(folder, *overrides)))
