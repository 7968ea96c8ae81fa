"""The engines under test, each with what the tests have to know of it."""

import asyncio
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import pytest

from builder.engines.base import SamplingParams
from builder.engines.embedded import EmbeddedEngine, LlamaSettings
from builder.engines.scripted import ScriptedEngine
from builder.recipe.model_source import demo_folder
from builder.recipe.template import derive_template
from builder.recipe.tokenizer_files import load_tokenizer_files
from builder.recipe.tokens import encoder

LONGEST = 60.0
"""Seconds after which a test that hangs is failed."""

FILES = load_tokenizer_files("demo", "main", None)
TEMPLATE = derive_template(FILES, None)
MODEL = demo_folder() / "model.gguf"

needs_llama = pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None, reason="xllamacpp is not installed"
)


@dataclass(frozen=True)
class Subject:
    kind: str

    def start(self, slots=4, **how):
        if self.kind == "scripted":
            return ScriptedEngine(slots=slots, **how)
        return EmbeddedEngine(LlamaSettings(MODEL, slots=slots, context=512), encoder(FILES))

    def run(self, work, **how):
        """What `work(engine)` returns. The engine is closed afterwards."""

        async def main():
            engine = self.start(**how)
            try:
                return await asyncio.wait_for(work(engine), LONGEST)
            finally:
                await engine.close()

        return asyncio.run(main())


def params(seed=0, **changes):
    values = {"temperature": 1.0, "top_p": 1.0, "max_tokens": 100, "stop": TEMPLATE.stops}
    return SamplingParams(seed=seed, **values | changes)


def is_alive(pid):
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def llama_children(parent):
    """The pids of a process's children that run llama.cpp."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(stat[1]) == parent and b"builder.engines.llama_child" in command:
            found.append(int(folder.name))
    return found
