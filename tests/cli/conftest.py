"""A command line to talk to, and a finished run of the scripted engine to talk about."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from builder.cli import magpie
from builder.cli.door import run

RECIPE = """\
name: tiny
version: 0.1.0
summary: Forty rows of the scripted engine.
model: {id: acme/scripted, license: mit}
template:
  pre_query: "<user>"
  response_prefix: "<user>"
  response_suffix: "<model>"
  stops: ["<end>"]
  bos: ""
engine: {kind: scripted, concurrency: 4}
seed: 11
target: {kept: 40}
instruction:
  sweep: [{temperature: 1.0, top_p: 1.0}, {temperature: 1.2, top_p: 0.99}]
  max_tokens: 48
response: {temperature: 0.0, top_p: 1.0, max_tokens: 40}
rules:
  instruction:
    whole: "instruction_finish_reason = 'stop'"
    long-enough: "instruction_length >= 20"
  response:
    whole-response: "finish_reason = 'stop'"
"""


@dataclass(frozen=True)
class Said:
    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of its own, with the recipe in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    (tmp_path / "tiny.yaml").write_text(RECIPE, encoding="utf-8")
    return tmp_path


@pytest.fixture
def say(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Said]:
    """Run a command as the console script does."""

    def call(*arguments: str) -> Said:
        monkeypatch.setattr("sys.argv", ["magpie", *arguments])
        capsys.readouterr()
        status = run(magpie, list(arguments))
        return Said(status, *capsys.readouterr())

    return call


@pytest.fixture
def built(say: Callable[..., Said]) -> Callable[..., Said]:
    """The same, after `magpie build tiny.yaml`."""
    assert say("build", "tiny.yaml").status == 0
    return say
