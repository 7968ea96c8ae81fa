"""Engines in several processes: what they promise beyond the contract that all engines keep."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from builder.engines.base import complete
from builder.engines.client_processes import ClientProcesses, connect_processes
from builder.engines.tgi import TgiEngine
from builder.errors import (
    BrokenStreamError,
    EngineError,
    FailedGenerationError,
    OverloadedError,
    UnavailableError,
)
from builder.recipe.engine_spec import TgiEngineSpec
from tests.engines.subjects import REMOTE_MODEL, TEMPLATE, params
from tests.servers.authors import ScriptedAuthor
from tests.servers.faults import FaultPlan
from tests.servers.tgi import Limits, tgi_server

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 40.0


def run(url, work, **options):
    async def main():
        spec = TgiEngineSpec(kind="tgi", **{"client_processes": 2, **options})
        engine = await connect_processes(url, REMOTE_MODEL, spec)
        try:
            return await asyncio.wait_for(work(engine), LONGEST)
        finally:
            await engine.close()

    return asyncio.run(main())


def children(parent):
    """The pids of a process's children that speak to a server."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(stat[1]) == parent and b"builder.engines.client_child" in command:
            found.append(int(folder.name))
    return found


async def ask(engine, *seeds, **changes):
    asked = (complete(engine, TEMPLATE.pre_query, params(seed, **changes)) for seed in seeds)
    return await asyncio.gather(*asked)


def test_completions_are_those_of_one_process():
    async def work(engine):
        found = await ask(engine, *range(16))
        return type(engine), found, len(children(os.getpid()))

    with tgi_server(lambda: ScriptedAuthor(8)) as server:
        one, alone, none = run(server.url, work, client_processes=1)
        two, spread, both = run(server.url, work)
    assert (one, none) == (TgiEngine, 0)
    assert (two, both) == (ClientProcesses, 2)
    assert spread == alone
    assert children(os.getpid()) == []


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

    with tgi_server(lambda: ScriptedAuthor(8), faults=FaultPlan(numbered={0: fault})) as server:
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
        before = children(os.getpid())
        asked = asyncio.create_task(ask(engine, 3, 4))
        while server.figures.in_flight < 2:
            await asyncio.sleep(0.01)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(UnavailableError, match="ended with status -9"):
            await asked
        after = await ask(engine, 1, 2)
        assert not set(before) & set(children(os.getpid()))
        return after

    with tgi_server(lambda: ScriptedAuthor(8, rate=100)) as server:
        assert len(run(server.url, work)) == 2


def test_processes_that_die_without_an_answer_are_given_up():
    async def work(engine):
        for _ in range(10):
            asked = asyncio.create_task(ask(engine, 1))
            while not asked.done():
                for pid in children(os.getpid()):
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
        return [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children(os.getpid())]

    with tgi_server(limits=Limits(api_key="s3cret")) as server:
        found = run(server.url, work, api_key_env="TGI_KEY")
    assert len(found) == 2
    assert [line for line in found if b"s3cret" in line] == []


PARENT = """
import asyncio, sys
from tests.engines.test_client_processes import ask, run

async def work(engine):
    await ask(engine, 1, 2)
    print("ready", flush=True)
    await asyncio.sleep(60)

run(sys.argv[1], work)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_no_process_outlives_its_parent(how):
    with (
        tgi_server() as server,
        subprocess.Popen(
            [sys.executable, "-c", PARENT, server.url],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as parent,
    ):
        assert parent.stdout.readline() == b"ready\n"
        pids = children(parent.pid)
        assert len(pids) == 2
        parent.send_signal(how)
        parent.wait(LONGEST)
        deadline = time.monotonic() + LONGEST
        while any(Path(f"/proc/{pid}").exists() for pid in pids):
            assert time.monotonic() < deadline
            time.sleep(0.02)
