"""What only the embedded engine does: its child, the child's deaths, its listener."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import builder
from builder.engines.base import complete
from builder.engines.embedded import EmbeddedEngine, LlamaSettings
from builder.errors import EngineError, RowError, UnavailableError
from builder.recipe.tokens import encoder
from tests.engines.subjects import (
    FILES,
    LONGEST,
    MODEL,
    TEMPLATE,
    Subject,
    is_alive,
    llama_children,
    needs_llama,
    params,
)

pytestmark = [needs_llama, pytest.mark.slow]

EMBEDDED = Subject("embedded")
PROMPT = TEMPLATE.pre_query
LONG = TEMPLATE.response_prompt("word " * 400)  # takes llama.cpp a while to read
ROOT = Path(builder.__file__).parents[1]


async def gone(pid):
    while is_alive(pid):
        await asyncio.sleep(0.01)


def test_a_prompt_that_is_too_long_is_given_up_and_others_go_on():
    async def work(engine):
        with pytest.raises(RowError, match=r"refused the request \(400\): .*context size"):
            await complete(engine, "word " * 1000, params())
        return await complete(engine, PROMPT, params())

    assert EMBEDDED.run(work).tokens > 0


def test_a_completion_that_fills_the_context_ends_with_length():
    encode = encoder(FILES)
    prompt = PROMPT + "word " * 240
    room = 256 - len(encode(prompt))
    assert 0 < room < 20

    async def work():
        engine = EmbeddedEngine(LlamaSettings(MODEL, slots=4, context=256), encode)
        asked = (complete(engine, prompt, params(seed, max_tokens=2000)) for seed in range(20))
        found = await asyncio.gather(*asked)
        await engine.close()
        return found

    found = asyncio.run(asyncio.wait_for(work(), LONGEST))
    assert {c.tokens for c in found if c.finish_reason == "length"} == {room}


def test_a_killed_child_makes_its_requests_be_asked_again_of_another():
    async def work(engine):
        await complete(engine, PROMPT, params())
        [first] = llama_children(os.getpid())
        tasks = [asyncio.create_task(complete(engine, PROMPT, params(s))) for s in range(80)]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        os.kill(first, signal.SIGKILL)
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        after = await complete(engine, PROMPT, params())
        [second] = llama_children(os.getpid())
        return ends, after, first, second

    ends, after, first, second = EMBEDDED.run(work, slots=2)
    errors = [end for end in ends if isinstance(end, BaseException)]
    assert 0 < len(errors) < 80
    assert {type(error) for error in errors} == {UnavailableError}
    assert {str(error) for error in errors} == {
        "llama.cpp's process ended with status -9; it is started anew"
    }
    assert after.tokens > 0
    assert second != first


def test_children_that_die_without_an_answer_are_not_started_for_ever():
    async def die(engine, seen):
        task = asyncio.create_task(complete(engine, LONG, params()))
        while engine._child is None or engine._child.ended:
            await asyncio.sleep(0)
        [child] = set(llama_children(os.getpid())) - seen
        seen.add(child)
        os.kill(child, signal.SIGKILL)
        [end] = await asyncio.gather(task, return_exceptions=True)
        return end

    async def work(engine):
        seen = set()
        return [await die(engine, seen) for _ in range(3)]

    ends = EMBEDDED.run(work, slots=1)
    assert [type(end) for end in ends] == [UnavailableError, UnavailableError, EngineError]
    assert ends[2].message == (
        "llama.cpp's process ended with status -9, 3 times without an answer in between"
    )


def test_no_child_is_left_when_the_engine_is_closed_or_its_start_is_cancelled():
    async def work(engine):
        starting = asyncio.create_task(complete(engine, PROMPT, params()))
        while not llama_children(os.getpid()):
            await asyncio.sleep(0.001)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        assert llama_children(os.getpid()) == []
        await complete(engine, PROMPT, params())
        assert len(llama_children(os.getpid())) == 1
        await engine.close()
        assert llama_children(os.getpid()) == []

    EMBEDDED.run(work)


PARENT = """
import asyncio, os
from tests.engines.subjects import Subject, TEMPLATE, llama_children, params
from builder.engines.base import complete
async def work(engine):
    await complete(engine, TEMPLATE.pre_query, params())
    print(*llama_children(os.getpid()), flush=True)
    await asyncio.gather(*(complete(engine, TEMPLATE.pre_query, params(s)) for s in range(10**5)))
Subject("embedded").run(work)
"""


def test_no_child_survives_the_kill_of_its_parent():
    call = [sys.executable, "-c", PARENT]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(call, stdout=subprocess.PIPE, env=environment) as parent:
        child = int(parent.stdout.readline())
        assert is_alive(child)
        parent.kill()
    asyncio.run(asyncio.wait_for(gone(child), LONGEST))


def test_a_file_that_is_no_model_is_refused_with_llamas_words(tmp_path):
    model, log = tmp_path / "model.gguf", tmp_path / "server.log"
    model.write_bytes(b"GGUF but not really" * 100)

    async def work():
        engine = EmbeddedEngine(LlamaSettings(model, slots=2, context=128, log=log), list)
        with pytest.raises(EngineError) as caught:
            await complete(engine, PROMPT, params())
        await engine.close()
        return caught.value

    error = asyncio.run(asyncio.wait_for(work(), LONGEST))
    assert error.message.startswith(f"llama.cpp cannot serve {model}: ")
    assert error.mend == (
        "Is it a whole GGUF file of a text model, and does it fit into memory with 2 slots of "
        f"128 tokens? See {log}."
    )
    assert log.stat().st_size > 0
    assert llama_children(os.getpid()) == []


def test_a_missing_model_file_is_refused_at_once(tmp_path):
    with pytest.raises(EngineError) as caught:
        EmbeddedEngine(LlamaSettings(tmp_path / "none.gguf"), list)
    assert caught.value.message == f"there is no model file {tmp_path / 'none.gguf'}"


COUNT = """
import json, sys
from builder.engines.llama_child import request_of, start_server
server = start_server(json.loads(sys.argv[1]))
print(server.handle_completions(request_of(json.loads(sys.argv[2])))["usage"]["prompt_tokens"])
"""


@pytest.mark.parametrize("prompt", [PROMPT, TEMPLATE.response_prompt("How are you?")])
def test_a_prompt_reaches_the_model_with_exactly_one_bos(prompt):
    ids = encoder(FILES)(prompt)
    assert ids.count(*encoder(FILES)(TEMPLATE.bos)) == 1
    settings = {"model": str(MODEL), "slots": 1, "context": 256, "threads": 1}
    message = {"prompt": ids, "max_tokens": 2, "temperature": 1, "top_p": 1, "seed": 1, "stop": []}
    done = subprocess.run(
        [sys.executable, "-c", COUNT, json.dumps(settings), json.dumps(message)],
        check=True,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert int(done.stdout.split()[-1]) == len(ids)


def listening_ports(pid):
    """The TCP ports on which a process listens, from /proc."""
    links = [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    sockets = {link[8:-1] for link in links if link.startswith("socket:[")}
    lines = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return [int(x[1].split(":")[1], 16) for x in lines if x[3] == "0A" and x[9] in sockets]


def test_the_listener_that_llama_cpp_opens_wants_a_key():
    def post(port):
        body = json.dumps({"prompt": "hello", "max_tokens": 1}).encode()
        address = f"http://127.0.0.1:{port}/v1/completions"
        request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=LONGEST)
        return caught.value.code

    async def work(engine):
        await complete(engine, PROMPT, params())
        [child] = llama_children(os.getpid())
        ports = listening_ports(child)
        return [await asyncio.to_thread(post, port) for port in ports]

    assert EMBEDDED.run(work) == [401]
