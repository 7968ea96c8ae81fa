"""Engines in several processes: what they promise beyond the contract that all engines keep."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from builder.engines.base import complete
from builder.engines.clients.processes import ClientProcesses, CountingProcesses, connect_processes
from builder.engines.openai.engine import OpenAIEngine
from builder.engines.remote.model import RemoteModel
from builder.engines.tgi.engine import TgiEngine
from builder.errors import (
    BrokenStreamError,
    EngineError,
    FailedGenerationError,
    OverloadedError,
    TemplateError,
    UnavailableError,
)
from builder.recipe.engine_spec import ENGINES
from tests.engines.subjects import REMOTE_MODEL, TEMPLATE, client_children, is_alive, params
from tests.servers.authors import ScriptedAuthor
from tests.servers.faults import FaultPlan
from tests.servers.openai import STRICT, VLLM, Dialect, openai_server
from tests.servers.tgi import Limits, tgi_server

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 40.0


def run(url, work, model=REMOTE_MODEL, kind="tgi", **options):
    async def main():
        spec = ENGINES[kind](kind=kind, **{"client_processes": 2, **options})
        engine = await connect_processes(url, model, spec)
        try:
            return await asyncio.wait_for(work(engine), LONGEST)
        finally:
            await engine.close()

    return asyncio.run(main())


async def ask(engine, *seeds, **changes):
    asked = (complete(engine, TEMPLATE.pre_query, params(seed, **changes)) for seed in seeds)
    return await asyncio.gather(*asked)


def test_completions_are_those_of_one_process():
    async def work(engine):
        found = await ask(engine, *range(16))
        return type(engine), found, len(client_children(os.getpid()))

    with tgi_server(lambda: ScriptedAuthor(8)) as server:
        one, alone, none = run(server.url, work, client_processes=1)
        two, spread, both = run(server.url, work)
    assert (one, none) == (TgiEngine, 0)
    assert (two, both) == (ClientProcesses, 2)
    assert spread == alone
    assert client_children(os.getpid()) == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("overloaded", OverloadedError),
        ("generation", FailedGenerationError),
        ("garbage", BrokenStreamError),
        ("unavailable", UnavailableError),
    ],
)
def test_an_error_keeps_its_type(fault, kind):
    async def work(engine):
        with pytest.raises(kind) as error:
            await ask(engine, 1)
        assert type(error.value) is kind
        return await ask(engine, 1)

    faults = FaultPlan(numbered={1: fault})  # request 0 is asked by connecting
    with tgi_server(lambda: ScriptedAuthor(8), faults=faults) as server:
        assert run(server.url, work)[0].text


def test_a_server_that_is_gone_is_unavailable():
    with tgi_server() as server:

        async def work(engine):
            await ask(engine, 1)
            await asyncio.to_thread(server.call, server.go)
            with pytest.raises(UnavailableError, match="cannot be reached") as error:
                await ask(engine, 1)
            assert type(error.value) is UnavailableError

        run(server.url, work)


def test_a_process_that_dies_is_replaced_and_costs_what_it_had_in_flight():
    async def work(engine):
        await ask(engine, 1, 2)
        before = client_children(os.getpid())
        asked = [asyncio.create_task(ask(engine, seed)) for seed in (3, 4)]
        while server.figures.in_flight < 2:
            await asyncio.sleep(0.01)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        for one in asked:  # of both: a death that is not known yet takes another request with it
            with pytest.raises(UnavailableError, match="ended with status -9"):
                await one
        after = await ask(engine, 1, 2)
        assert not set(before) & set(client_children(os.getpid()))
        return after

    with tgi_server(lambda: ScriptedAuthor(8, rate=100)) as server:
        assert len(run(server.url, work)) == 2


def test_processes_that_die_without_an_answer_are_given_up():
    async def work(engine):
        for _ in range(10):
            asked = asyncio.create_task(ask(engine, 1))
            while not asked.done():
                for pid in client_children(os.getpid()):
                    os.kill(pid, signal.SIGKILL)
                await asyncio.sleep(0.01)
            if isinstance(asked.exception(), EngineError):
                return asked.exception().message
        return None

    with tgi_server(lambda: ScriptedAuthor(8, rate=1)) as server:
        said = run(server.url, work)
    assert said is not None
    assert said.startswith("client processes end with status -9, ")


def test_a_request_that_is_cancelled_frees_the_server():
    with tgi_server(lambda: ScriptedAuthor(8, rate=5)) as server:

        async def work(engine):
            asked = asyncio.create_task(ask(engine, 1))
            while not server.figures.in_flight:
                await asyncio.sleep(0.01)
            asked.cancel()
            while server.figures.in_flight:
                await asyncio.sleep(0.01)

        run(server.url, work)


def test_the_key_is_on_no_command_line(monkeypatch):
    monkeypatch.setenv("TGI_KEY", "s3cret")

    async def work(engine):
        await ask(engine, 1, 2)
        return [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in client_children(os.getpid())]

    with tgi_server(limits=Limits(api_key="s3cret")) as server:
        found = run(server.url, work, api_key_env="TGI_KEY")
    assert len(found) == 2
    assert [line for line in found if b"s3cret" in line] == []


def text_of(asked):
    return sorted(json.dumps([one.path, one.body], sort_keys=True) for one in asked)


@contextlib.contextmanager
def tgi_of_its_own():
    with tgi_server(lambda: ScriptedAuthor(8), Limits(max_total_tokens=300)) as server:
        yield server


SERVERS = {
    "tgi": ("tgi", tgi_of_its_own),
    "ids": ("openai", partial(openai_server, VLLM, context=300)),
    "flag": ("openai", partial(openai_server, Dialect("a", takes_ids=False), context=300)),
    "strict": ("openai", partial(openai_server, STRICT, context=300)),
    "openai of tgi": ("openai", tgi_of_its_own),
}


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_is_asked_just_what_one_process_asks(name):
    """The probes are among what it was asked: a child asks none."""
    kind, server_of = SERVERS[name]
    long = TEMPLATE.response_prompt("Why? " * 20)
    asked = [
        *((TEMPLATE.pre_query, params(seed)) for seed in range(4)),
        *((long, params(seed, whole=True, max_tokens=250)) for seed in range(4)),
        (TEMPLATE.pre_query, params(9, temperature=0.0)),
        (long, params(9, top_p=0.9, stop=("x y", *TEMPLATE.stops))),
    ]

    async def work(engine):
        return await asyncio.gather(*(complete(engine, *one) for one in asked))

    found = []
    for processes in (1, 2):
        with server_of() as server:
            texts = run(server.url, work, kind=kind, client_processes=processes)
            found.append((texts, text_of(server.requests)))
    alone, spread = found
    assert sum('_tokens": 248' in line for line in alone[1]) == 4  # the prompt was counted
    assert alone == spread


def test_a_server_without_a_tokenizer_here_is_asked_the_same():
    def none():
        raise TemplateError("there is none")

    model = RemoteModel(TEMPLATE.bos, none)
    logs = []
    for processes in (1, 2):
        with openai_server(VLLM) as server:
            found = run(server.url, ask_four, model, kind="openai", client_processes=processes)
            logs.append((found, text_of(server.requests)))
    assert logs[0] == logs[1]


async def ask_four(engine):
    return await ask(engine, *range(4))


def test_an_engine_that_needs_a_tokenizer_of_unknown_place_stays_here():
    async def work(engine):
        return type(engine), await engine.prompt_tokens(TEMPLATE.pre_query)

    model = RemoteModel(TEMPLATE.bos, REMOTE_MODEL.encode)
    with openai_server(VLLM) as server:
        here, counted = run(server.url, work, model, kind="openai")
        there, told = run(server.url, work, kind="openai")
    assert (here, there) == (OpenAIEngine, CountingProcesses)
    assert told == counted == len(REMOTE_MODEL.encode()(TEMPLATE.pre_query))


def test_a_process_that_cannot_read_the_tokenizer_says_so(tmp_path):
    model = RemoteModel(TEMPLATE.bos, REMOTE_MODEL.encode, tmp_path / "tokenizer.json")

    async def work(engine):
        with pytest.raises(TemplateError, match=r"has no tokenizer\.json"):
            await ask(engine, 1)

    with openai_server(VLLM) as server:
        run(server.url, work, model, kind="openai")


def test_a_fixed_number_that_cannot_be_started_is_an_error_of_the_engine(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")

    async def work(engine):
        with pytest.raises(EngineError, match=r"^no client process can be started: ") as error:
            await ask(engine, 1)
        assert error.value.mend == "Do without them: --set engine.client_processes=1"

    with tgi_server() as server:
        run(server.url, work)


PARENT = """
import asyncio, sys
from tests.engines.test_client_crew import ask_until, run_growing
from tests.engines.test_client_processes import ask, run

async def fixed(engine):
    await ask(engine, 1, 2)
    await stay()

async def starting(engine):
    asked = asyncio.create_task(ask(engine, 1, 2))
    asked.add_done_callback(lambda task: task.exception())  # that the engine is closed
    while len(engine.crew.running) < 2:
        await asyncio.sleep(0)
    await stay()

async def growing(engine, crew):
    await ask_until(engine, lambda: len(crew.running) == 2)
    await stay()

async def stay():
    print("ready", flush=True)
    await asyncio.sleep(60)

try:
    (run_growing if sys.argv[2] == "growing" else run)(sys.argv[1], globals()[sys.argv[2]])
except KeyboardInterrupt:
    sys.exit(3)
"""


@pytest.mark.parametrize("when", ["starting", "fixed", "growing"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_no_process_outlives_its_parent(how, when):
    """Ctrl-C goes to the whole process group, and nobody says a word."""
    with (
        tgi_server() as server,
        subprocess.Popen(
            [sys.executable, "-c", PARENT, server.url, when],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as parent,
    ):
        assert parent.stdout.readline() == b"ready\n"
        pids = client_children(parent.pid)
        assert len(pids) == 2
        if how == signal.SIGINT:
            os.killpg(parent.pid, how)
        else:
            parent.kill()
        assert parent.wait(LONGEST) == (3 if how == signal.SIGINT else -9)
        assert parent.stderr.read() == b""  # to its end: that of the last one that has it
        deadline = time.monotonic() + LONGEST
        while any(map(is_alive, pids)):
            assert time.monotonic() < deadline
            time.sleep(0.02)
