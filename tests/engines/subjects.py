"""The engines under test, each with what the tests have to know of it."""

import asyncio
import contextlib
import importlib.util
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from builder.engines.base import SamplingParams
from builder.engines.clients.processes import connect_processes
from builder.engines.embedded import EmbeddedEngine, LlamaSettings
from builder.engines.openai.engine import connect_openai
from builder.engines.remote.model import RemoteModel
from builder.engines.scripted import ScriptedEngine
from builder.engines.tgi.engine import connect_tgi
from builder.recipe.engine_spec import ENGINES, OpenAIEngineSpec, TgiEngineSpec
from builder.recipe.model_source import demo_folder
from builder.recipe.template import derive_template
from builder.recipe.tokenizer_files import load_tokenizer_files
from builder.recipe.tokens import encoder
from tests.servers.authors import LlamaAuthor, ScriptedAuthor
from tests.servers.llama import llama_server
from tests.servers.openai import SGLANG, STRICT, VLLM, openai_server
from tests.servers.tgi import Limits, tgi_server

LONGEST = 60.0
"""Seconds after which a test that hangs is failed."""

FILES = load_tokenizer_files("demo", "main", None)
TEMPLATE = derive_template(FILES, None)
MODEL = demo_folder() / "model.gguf"

needs_llama = pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None, reason="xllamacpp is not installed"
)


REMOTE_MODEL = RemoteModel(TEMPLATE.bos, lambda: encoder(FILES), FILES.tokenizer)


@contextlib.contextmanager
def openai_at(dialect, slots):
    with openai_server(dialect, lambda: ScriptedAuthor(slots)) as server:
        yield server.url


@contextlib.contextmanager
def tgi_at(slots, author=ScriptedAuthor):
    limits = Limits(max_concurrent_requests=1000)
    with tgi_server(lambda: author(slots), limits) as server:
        yield server.url


SERVERS = {
    "openai": llama_server,
    "openai-vllm": partial(openai_at, VLLM),
    "openai-sglang": partial(openai_at, SGLANG),
    "openai-strict": partial(openai_at, STRICT),
    "openai-tgi": tgi_at,
    "openai-processes": partial(openai_at, VLLM),
    "tgi": tgi_at,
    "tgi-processes": tgi_at,
    "tgi-demo": partial(tgi_at, author=LlamaAuthor),
}
"""Kind of a remote engine -> a server for it, by its slots."""

UNHELD = ("openai-strict", "openai-tgi")
"""Kinds whose server holds nothing to a schema: one refuses the field, one passes over it."""


@dataclass(frozen=True)
class Subject:
    kind: str

    async def start(self, endpoint, slots=4, **how):
        if self.kind == "scripted":
            return ScriptedEngine(slots=slots, **how)
        if self.kind == "embedded":
            return EmbeddedEngine(LlamaSettings(MODEL, slots=slots, context=512), encoder(FILES))
        if self.kind.endswith("-processes"):
            kind = self.kind.removesuffix("-processes")
            spec = ENGINES[kind](kind=kind, client_processes=2)
            return await connect_processes(endpoint, REMOTE_MODEL, spec)
        if self.kind.startswith("tgi"):
            return await connect_tgi(endpoint, REMOTE_MODEL, TgiEngineSpec(kind="tgi"))
        return await connect_openai(endpoint, REMOTE_MODEL, OpenAIEngineSpec(kind="openai"))

    def run(self, work, slots=4, **how):
        """What `work(engine)` returns. The engine is closed afterwards."""
        server = SERVERS.get(self.kind, contextlib.nullcontext)

        async def main(endpoint):
            engine = await self.start(endpoint, slots=slots, **how)
            try:
                return await asyncio.wait_for(work(engine), LONGEST)
            finally:
                await engine.close()

        with server(slots) as endpoint:
            return asyncio.run(main(endpoint))


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


def children(parent, module):
    """The pids of a process's children that run a module of `builder.engines`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(stat[1]) == parent and f"builder.engines.{module}".encode() in command:
            found.append(int(folder.name))
    return found


def llama_children(parent):
    """Those that run llama.cpp."""
    return children(parent, "llama_child")


def client_children(parent):
    """Those that speak to a server."""
    return children(parent, "clients.child")
