"""Servers that die in the middle of a run: brought back, a few times, then given up."""

import contextlib
import http.client
import json
import signal
import urllib.request

import pytest

from builder.errors import ServerError
from builder.server.container import healthy
from builder.server.upkeep import RestartPolicy
from tests.server.stage import QUICK, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def test_a_server_that_is_killed_comes_back_at_the_same_address(stage):
    with stage.serving() as running:
        (endpoint,), upkeep = running.served.endpoints, running.served.upkeep
        (container,) = stage.containers()
        container.kill()
        wait_for(lambda: upkeep.returning(endpoint), "the restart")
        wait_for(lambda: stage.names().count("server-ready") == 2, "the server")
        assert healthy(endpoint)
        assert upkeep.returning(endpoint) is False
        assert [c.id for c in stage.containers()] == [container.id]
    assert stage.names() == [
        "server-started",
        "server-ready",
        "server-died",
        "server-restarted",
        "server-ready",
        "server-stopped",
    ]
    (died,) = stage.details("server-died")
    assert died["status"] == 137
    assert died["reason"] == "killed (signal 9), by somebody or for want of memory"
    assert died["endpoint"] == endpoint
    assert stage.log().count("Connected") == 2


def kill_each_time_it_is_ready(stage, endpoint, times):
    """Ask a server that dies at its first request."""
    body = json.dumps({"inputs": "hello"}).encode()
    for number in range(1, times + 1):
        wait_for(lambda n=number: stage.names().count("server-ready") == n, "the server")
        request = urllib.request.Request(f"{endpoint}/generate", body, method="POST")
        request.add_header("Content-Type", "application/json")
        with contextlib.suppress(OSError, http.client.HTTPException):
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30)
        wait_for(lambda n=number: stage.names().count("server-died") == n, "its death")


@pytest.fixture
def mortal(stage):
    """A server that dies at its first request."""
    return stage.spec(image=stage.variant(DEATH="after-requests:1", AUTHOR="scripted"))


def test_one_that_dies_again_and_again_is_given_up_in_plain_words(stage, mortal):
    with stage.serving(mortal) as running:
        (endpoint,), upkeep = running.served.endpoints, running.served.upkeep
        kill_each_time_it_is_ready(stage, endpoint, 3)

        def given_up():
            try:
                upkeep.returning(endpoint)
            except ServerError as error:
                return error
            return None

        error = wait_for(given_up, "the end of patience")
        first = error.message.splitlines()[0]
        assert first.startswith("a server was given up after 2 restarts: TGI exited with 1 after ")
        assert " while serving: a shard was killed, most likely because" in first
        assert "the same command goes on where it stopped" in error.mend
        assert f"See {stage.run}/server.log" in error.mend
    names = stage.names()
    assert names.count("server-died") == 3
    assert names.count("server-restarted") == 2
    assert names[-2:] == ["server-given-up", "server-stopped"]


def test_a_death_is_forgotten_after_a_time(stage, mortal):
    policy = RestartPolicy(pauses=(0.05,), within=0.0, look=0.1, health=0.1)
    with stage.serving(mortal, policy) as running:
        kill_each_time_it_is_ready(stage, running.served.endpoints[0], 3)
        wait_for(lambda: stage.names().count("server-ready") == 4, "the server")
    assert "server-given-up" not in stage.names()


def test_one_that_was_removed_by_somebody_is_made_anew(stage):
    with stage.serving() as running:
        (endpoint,) = running.served.endpoints
        (container,) = stage.containers()
        container.remove(force=True)
        wait_for(lambda: stage.names().count("server-ready") == 2, "the server")
        assert healthy(endpoint)
        (new,) = stage.containers()
        assert new.id != container.id
    (died,) = stage.details("server-died")
    killed = "killed (signal 9), by somebody or for want of memory"  # seen before it was gone
    assert died["reason"] in ("removed by somebody", killed)


def test_one_that_runs_and_gives_no_answer_is_started_again(stage):
    policy = RestartPolicy(pauses=(0.05,) * 9, unhealthy=1.0, look=0.1, health=0.1)
    with stage.serving(policy=policy) as running:
        (endpoint,) = running.served.endpoints
        (container,) = stage.containers()
        container.kill(signal.SIGSTOP)
        wait_for(lambda: stage.names().count("server-ready") == 2, "the server")
        assert healthy(endpoint)
    died = stage.details("server-died")[0]
    assert died["status"] is None
    assert died["reason"].startswith("it runs, and was not healthy for ")


def test_the_other_replica_goes_on(stage):
    with stage.serving(stage.spec(replicas=2)) as running:
        upkeep = running.served.upkeep
        by_name = {c.name: c for c in stage.containers()}
        by_name[running.names[1]].kill()
        dead, alive = running.served.endpoints[1], running.served.endpoints[0]
        wait_for(lambda: upkeep.returning(dead), "the restart")
        assert upkeep.returning(alive) is False
        assert healthy(alive)
        wait_for(lambda: not upkeep.returning(dead), "the server")


def test_an_address_that_is_not_ours_is_not_brought_back(stage):
    with stage.serving() as running:
        assert running.served.upkeep.returning("http://127.0.0.1:1") is False


def test_a_death_without_a_pause_left_ends_with_the_block(stage):
    policy = RestartPolicy(pauses=(30.0,), look=QUICK.look, health=QUICK.health)
    with stage.serving(policy=policy) as running:
        (container,) = stage.containers()
        container.kill()
        wait_for(lambda: running.served.upkeep.returning(running.served.endpoints[0]), "the pause")
    assert stage.containers() == []
