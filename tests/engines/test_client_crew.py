"""The processes of all engines together: shared, and added where one core is too little."""

import asyncio
import os
import signal
import sys
import time
from functools import partial

import pytest

from builder.engines.clients.crew import Crew
from builder.engines.clients.growth import GrowthRule
from builder.engines.clients.processes import connect_processes
from builder.errors import EngineError
from builder.recipe.engine_spec import ENGINES, TgiEngineSpec
from tests.engines.subjects import REMOTE_MODEL, TEMPLATE, client_children, params
from tests.engines.test_client_processes import LONGEST, ask
from tests.servers.authors import ScriptedAuthor
from tests.servers.openai import VLLM, openai_server
from tests.servers.tgi import tgi_server


def test_engines_share_their_processes_and_are_closed_one_by_one():
    async def main(first, second):
        crew = Crew(2)
        spec = TgiEngineSpec(kind="tgi")
        engines = [
            await connect_processes(url, REMOTE_MODEL, spec, crew) for url in (first, second)
        ]
        asked = [asyncio.create_task(ask(engine, *range(3))) for engine in engines]
        while slow.figures.in_flight + fast.figures.in_flight < 6:
            await asyncio.sleep(0.01)
        number = len(client_children(os.getpid()))
        await engines[0].close()
        with pytest.raises(EngineError, match=r"^the engine is closed$"):
            await asked[0]
        while slow.figures.in_flight:
            await asyncio.sleep(0.01)
        found = await asked[1]
        await engines[1].close()
        return number, len(found), client_children(os.getpid())

    with (
        tgi_server(lambda: ScriptedAuthor(8, rate=1)) as slow,
        tgi_server(lambda: ScriptedAuthor(8, rate=100)) as fast,
    ):
        found = asyncio.run(asyncio.wait_for(main(slow.url, fast.url), LONGEST))
    assert found == (2, 3, [])


SOON = GrowthRule(most=2, share=1e-4, every=0.02, seconds=0.1)
"""Any work is too much."""


def run_growing(url, work, rule=SOON, kind="tgi"):
    async def main():
        crew = Crew(None, rule)
        engine = await connect_processes(url, REMOTE_MODEL, ENGINES[kind](kind=kind), crew)
        try:
            return await asyncio.wait_for(work(engine, crew), LONGEST)
        finally:
            await engine.close()

    return asyncio.run(main())


async def ask_until(engine, done):
    """Ask one thing after the other until something is so."""
    while not done():
        await ask(engine, 1, 2)


@pytest.mark.parametrize("kind", ["tgi", "openai"])
def test_processes_are_added_where_this_one_is_too_busy(kind):
    async def work(engine, crew):
        begun = [engine.stream(TEMPLATE.pre_query, params(seed)) for seed in range(4)]
        first = [await anext(stream) for stream in begun]
        await ask_until(engine, lambda: len(crew.running) == 2)
        pids = client_children(os.getpid())
        own = [[chunk, *[c async for c in s]] for chunk, s in zip(first, begun, strict=True)]
        found = [[c async for c in engine.stream(TEMPLATE.pre_query, params(s))] for s in range(4)]
        return len(pids), own, found, crew.note

    servers = {"tgi": tgi_server, "openai": partial(openai_server, VLLM)}
    with servers[kind](lambda: ScriptedAuthor(8)) as server:
        number, own, found, note = run_growing(server.url, work, kind=kind)
    assert (number, note) == (2, "")
    assert all(len(chunks) > 1 for chunks in own)  # they were in flight here, and stayed
    assert [len(chunks) for chunks in found] == [1, 1, 1, 1]
    assert ["".join(c.text for c in chunks) for chunks in own] == [c[0].text for c in found]
    assert client_children(os.getpid()) == []


def test_no_process_is_added_while_nothing_is_asked():
    async def work(engine, crew):
        await ask(engine, 1)
        until = time.thread_time() + 0.2
        while time.thread_time() < until:
            await asyncio.sleep(0)
        return len(crew.running), crew.note

    rule = GrowthRule(most=1, share=0.3, every=0.01, seconds=0.05)
    with tgi_server() as server:
        assert run_growing(server.url, work, rule) == (0, "")


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("/bin/false", "no more client processes: a client process ended with status 1"),
        ("/no/such/python", "no more client processes: [Errno 2] No such file or directory: "),
    ],
)
def test_a_process_that_cannot_start_is_noted_and_costs_no_row(program, said, monkeypatch):
    monkeypatch.setattr(sys, "executable", program)

    async def work(engine, crew):
        await ask_until(engine, lambda: crew.note)
        return crew.note, crew.running, len(await ask(engine, *range(4)))

    with tgi_server(lambda: ScriptedAuthor(8)) as server:
        note, running, answered = run_growing(server.url, work)
    assert note.startswith(said)
    assert (running, answered) == ([], 4)


def test_when_all_added_processes_have_died_this_one_answers_again():
    async def work(engine, crew):
        await ask_until(engine, lambda: len(crew.running) == 2)
        for pid in client_children(os.getpid()):
            os.kill(pid, signal.SIGKILL)
        while crew.running:
            await asyncio.sleep(0.01)
        return len(await ask(engine, *range(4))), client_children(os.getpid())

    with tgi_server(lambda: ScriptedAuthor(8)) as server:
        assert run_growing(server.url, work) == (4, [])
