"""Builds in processes of their own, to be killed at some moment, and what they left behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import builder
from builder.generate.sampling import row_seed
from builder.release.checksums import ITSELF, facts_text, own_sum
from builder.run.directory import RunDirectory

ROOT = Path(builder.__file__).parents[1]
LONGEST = 60.0
"""Seconds after which something that never happens fails its test."""

RECIPE = """\
name: killed
version: 1.0.0
summary: Rows that are killed again and again.
model: {id: org/none, license: mit}
template:
  pre_query: "<user>"
  response_prefix: "<user>"
  response_suffix: "<model>"
  stops: ["<end>"]
  bos: ""
engine: {kind: scripted, concurrency: 8, trace: trace.jsonl, delay: DELAY}
seed: 5
target: {kept: 150}
instruction:
  sweep: [{temperature: 1.0}, {temperature: 1.1, top_p: 0.99}, {temperature: 1.2, weight: 0.5}]
  max_tokens: 40
response: {max_tokens: 30}
rules:
  instruction:
    whole: "instruction_finish_reason = 'stop'"
    long-enough: "instruction_length >= 20"
  response:
    whole-response: "finish_reason = 'stop'"
"""


class Rig:
    """One run, in a folder of its own."""

    def __init__(self, folder, delay=0.001, recipe=RECIPE):
        folder.mkdir(exist_ok=True)
        self.recipe = folder / "killed.yaml"
        self.recipe.write_text(recipe.replace("DELAY", str(delay)))
        self.run = folder / "run"
        self.trace = folder / "trace.jsonl"
        self._started = []

    def start(self, *overrides, shell=""):
        """Start `magpie build`; `shell` is a line of shell that comes before it."""
        pairs = [word for override in overrides for word in ("--set", override)]
        magpie = [sys.executable, "-m", "builder", "build", str(self.recipe), *pairs]
        call = ["sh", "-c", f'{shell}\nexec "$@"', "sh", *magpie, "--run", str(self.run)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        self._started.append(subprocess.Popen(call, cwd=ROOT, env=environment, **pipes))
        return self._started[-1]

    def finish(self, *overrides):
        """Build to the end; return the release."""
        process = self.start(*overrides)
        _, errors = process.communicate(timeout=LONGEST)
        assert process.returncode == 0, errors
        return self.run / "release"

    def end(self):
        """End what still runs."""
        for process in self._started:
            process.kill()
            process.communicate()

    def wait(self, process, happened):
        """Wait until `happened()`, while the process runs; False when it ended before that."""
        limit = time.monotonic() + LONGEST
        while not happened():
            if process.poll() is not None:
                return False
            assert time.monotonic() < limit, "the event never came"
            time.sleep(0.005)
        return True

    def kill_some_time_after(self, process, happened, seconds):
        """Kill -9; `seconds` after an event: which moment that is, is left to chance."""
        if self.wait(process, happened):
            time.sleep(seconds)
            process.kill()
        process.communicate(timeout=LONGEST)
        return process.returncode == -signal.SIGKILL

    @staticmethod
    def pause(seconds):
        """Let chance choose the moment of what comes next."""
        time.sleep(seconds)

    def grows(self, pattern, more=0):
        """A function that tells whether the files of this pattern have grown since now."""

        def size():
            return sum(_size(path) for path in self.recipe.parent.glob(pattern))

        before = size()
        return lambda: size() > before + more

    def events(self):
        """The names of the run's events, so far."""
        run = RunDirectory(self.run)
        return [event["event"] for event in run.events()]

    def asked(self, start=0):
        """How many bytes the trace of requests has, and the seeds in it from byte `start` on."""
        content = self.trace.read_bytes() if self.trace.exists() else b""
        return len(content), [json.loads(line)["seed"] for line in content[start:].splitlines()]

    def stage(self, stage):
        """Row -> its record in a stage, as it stands on disk; each row once in a file."""
        run = RunDirectory(self.run)
        if not run.record_path.exists():
            return {}
        rows = {}
        for shard in run.shards(run.record()):
            for record in shard.stage(stage).iter_rows(named=True):
                assert record["row"] not in rows
                rows[record["row"]] = record
        return rows

    def seeds_done(self):
        """The seeds of all requests that have their record on disk."""
        answered = {row_seed(5, row, "respond") for row in self.stage("respond")}
        return answered | {record["seed"] for record in self.stage("instruct").values()}

    def lines(self):
        """(shard, stage, row) of all journal lines."""
        return [
            (path.parent.name, path.stem, json.loads(line)["row"])
            for path in self.run.glob("shards/*/*.jsonl")
            for line in path.read_bytes().splitlines()
        ]


def _size(path):
    try:
        return path.stat().st_size
    except FileNotFoundError:  # a journal that became Parquet just now
        return 0


_COST = re.compile(r"^### Cost\n.*?(?=^#)", re.MULTILINE | re.DOTALL)
"""The section of the card that tells what the run cost: up to the next heading."""


def contents(folder):
    """What a folder holds, path -> bytes, less what the run cost: that is measured in time."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): without_cost(path) for path in files}


def without_cost(path):
    """The bytes of a file; of facts without the cost and their checksum, of a card without it."""
    if path.parent.name == "facts" and path.suffix == ".json":
        facts = json.loads(path.read_bytes())
        assert path.read_text("utf-8") == facts_text(facts)
        assert facts.pop(ITSELF) == own_sum(facts)  # it covers the cost, too
        facts.pop("cost", None)
        return facts_text(facts).encode()
    if path.name == "README.md":
        return _COST.sub("", path.read_text("utf-8")).encode()
    return path.read_bytes()
