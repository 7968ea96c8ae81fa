"""What is there already: adopted, used, removed or left alone."""

import json
import os
import random
import signal
import subprocess
import sys
import threading

import pytest

from builder.errors import ServerError
from builder.server.container import healthy
from builder.server.leftovers import ports_of_ours
from builder.server.serving import serving
from tests.server.image import ROOT
from tests.server.stage import LONGEST, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.slow]

PROGRAM = """
import json, sys, time
from pathlib import Path
from builder.recipe.engine_spec import TgiEngineSpec
from builder.run.lock import locked
from builder.server.plan import ServeRequest
from builder.server.ready import Ears
from builder.server.serving import serving
import signal

signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
spec, request = json.loads(sys.argv[1])
for name in ("run", "model_folder"):
    request[name] = Path(request[name]) if request[name] else None
spec = TgiEngineSpec(**spec)
ears = Ears(lambda words: print("told", words, flush=True))
try:
    with locked(request["run"] / "lock"), serving(spec, ServeRequest(**request), ears):
        print("ready", flush=True)
        time.sleep(60)
except KeyboardInterrupt:
    sys.exit(3)
"""


class Process:
    """A process of its own that serves until it is ended, as a build does."""

    def __init__(self, stage, spec):
        request = stage.request()
        plain = [
            spec.model_dump(exclude_defaults=True) | {"kind": "tgi"},
            {
                key: str(value) if value is not None and key in ("run", "model_folder") else value
                for key, value in vars(request).items()
            },
        ]
        self.child = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, json.dumps(plain)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )

    def until(self, line):
        """Read what it says up to a line."""
        for said in self.child.stdout:
            if said.strip() == line:
                return
        pytest.fail(f"it ended before it said {line!r}")

    def end(self, number):
        self.child.send_signal(number)
        self.child.communicate(timeout=LONGEST)
        return self.child.returncode


@pytest.fixture
def processes():
    started = []

    def start(stage, spec):
        started.append(Process(stage, spec))
        return started[-1]

    yield start
    for process in started:
        process.child.kill()
        process.child.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["ready", "loading"])
def test_a_process_that_is_stopped_leaves_nothing(stage, processes, number, moment):
    slow = stage.spec(image=stage.variant(DEATH="never-ready"))
    process = processes(stage, slow if moment == "loading" else stage.spec())
    process.until("told loading weights" if moment == "loading" else "ready")
    assert len(stage.containers()) == 1
    assert process.end(number) == 3
    assert stage.containers() == []


def killed(stage, processes, spec=None):
    """What a process left over that was killed with its server ready."""
    process = processes(stage, spec or stage.spec())
    process.until("ready")
    assert process.end(signal.SIGKILL) == -signal.SIGKILL
    (left,) = stage.containers()
    return left


def test_what_a_killed_process_left_is_adopted_by_its_run(stage, processes):
    left = killed(stage, processes)
    port = int(left.attrs["HostConfig"]["PortBindings"]["80/tcp"][0]["HostPort"])
    assert ports_of_ours(stage.run) == {port}
    with stage.serving() as running:
        assert running.names == (left.name,)
        assert running.served.endpoints == (f"http://127.0.0.1:{port}",)
        assert healthy(running.served.endpoints[0])
    assert stage.names() == ["server-adopted", "server-ready", "server-stopped"]
    assert stage.log().count("Connected") == 1
    assert {line.partition(" | ")[0] for line in stage.log().splitlines()} == {left.name}
    assert stage.containers() == []


@pytest.mark.parametrize("seed", range(3))
def test_whenever_it_was_killed_the_next_start_leaves_nothing(stage, processes, seed):
    chance = random.Random(seed)
    for _ in range(3):
        process = processes(stage, stage.spec(replicas=2))
        threading.Event().wait(chance.uniform(0.3, 3.0))  # whichever moment this is
        process.end(signal.SIGKILL)
        assert len(stage.containers()) <= 2
    with stage.serving(stage.spec(replicas=2)) as running:
        assert sorted(c.name for c in stage.containers()) == sorted(running.names)
        assert all(healthy(endpoint) for endpoint in running.served.endpoints)
    assert stage.containers() == []


def test_one_that_is_adopted_is_brought_back_too(stage, processes):
    killed(stage, processes)
    with stage.serving() as running:
        (container,) = stage.containers()
        container.kill()
        wait_for(lambda: stage.names().count("server-ready") == 2, "the server")
        assert healthy(running.served.endpoints[0])


def test_one_of_another_plan_is_removed(stage, processes):
    left = killed(stage, processes)
    with stage.serving(stage.spec(max_total_tokens=512, max_input_tokens=256)) as running:
        assert running.names != (left.name,)
        assert [c.name for c in stage.containers()] == list(running.names)
    assert stage.details("server-removed") == [{"name": left.name, "run": str(stage.run)}]


def test_one_that_is_dead_is_removed(stage, processes):
    left = killed(stage, processes)
    left.kill()
    with stage.serving() as running:
        assert running.names != (left.name,)
    assert stage.names()[:2] == ["server-removed", "server-started"]


def test_one_of_another_run_is_removed(stage, processes):
    left = killed(stage, processes)
    other = stage.another()
    assert ports_of_ours(other.run)
    with other.serving() as running:
        assert running.names != (left.name,)
        assert len(stage.containers()) == 1
    assert other.details("server-removed") == [{"name": left.name, "run": str(stage.run)}]


def test_one_of_a_build_at_work_is_left_alone(stage):
    other = stage.another()
    with stage.serving() as running:
        assert ports_of_ours(other.run) == frozenset()
        with other.serving() as another:
            assert set(running.names).isdisjoint(another.names)
        assert healthy(running.served.endpoints[0])
    assert other.names()[0] == "server-started"


def test_a_container_without_our_label_is_never_touched(stage):
    foreign = stage.engine.client.containers.create(
        stage.image, labels={"magpie.scope": "none", "run": str(stage.run)}
    )
    try:
        with stage.serving():
            pass
        foreign.reload()
    finally:
        foreign.remove(force=True)


def served_to_stay(stage, **keys):
    """A server as `magpie serve` starts it."""
    with serving(stage.spec(**keys), stage.request(run=None), stage.ears) as running:
        pass
    return running


def test_one_of_serve_is_used_and_left_alone(stage):
    kept = served_to_stay(stage)
    (container,) = stage.containers()
    try:
        assert container.labels["magpie.owner"] == "serve"
        with stage.serving() as running:
            assert running.served.endpoints == kept.served.endpoints
            assert len(stage.containers()) == 1
        assert [c.id for c in stage.containers()] == [container.id]
        assert healthy(kept.served.endpoints[0])
        assert served_to_stay(stage).served.endpoints == kept.served.endpoints
        assert stage.names().count("server-started") == 1
        with stage.serving(stage.spec(dtype="float16")) as other:
            assert other.names != kept.names
        assert healthy(kept.served.endpoints[0])
    finally:
        container.remove(force=True)


def test_one_of_serve_that_dies_in_a_run_is_given_up_at_once(stage):
    served_to_stay(stage)
    with stage.serving() as running:
        (endpoint,), upkeep = running.served.endpoints, running.served.upkeep
        (container,) = stage.containers()
        container.remove(force=True)
        wait_for(lambda: "server-given-up" in stage.names(), "the end")
        with pytest.raises(ServerError, match="of `magpie serve`, is no more: "):
            upkeep.returning(endpoint)
    assert "server-restarted" not in stage.names()
