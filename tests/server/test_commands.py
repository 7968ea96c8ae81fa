"""`magpie serve`, `stop` and `logs`, as a person calls them."""

import json
import os
import signal
import subprocess
import sys

import pytest

from builder.server.container import healthy
from tests.server.image import ROOT
from tests.server.stage import LONGEST, TOKEN

pytestmark = [pytest.mark.docker, pytest.mark.slow]

RECIPE = """\
name: NAME
version: 1.0.0
summary: Rows of a server in a container.
model: {id: demo, license: apache-2.0}
engine: {kind: tgi, image: IMAGE, port: 0, gpus: 0, start_minutes: 2}
seed: 5
target: {kept: 10}
instruction: {sweep: [{temperature: 1.0}], max_tokens: 60}
response: {max_tokens: 60}
"""


class Desk:
    """Where the commands are given."""

    def __init__(self, stage):
        self.stage = stage
        self.folder = stage.folder

    def recipe(self, name="play", image=None):
        path = self.folder / f"{name}.yaml"
        image = image or self.stage.variant(AUTHOR="scripted")
        path.write_text(RECIPE.replace("NAME", name).replace("IMAGE", image))
        return path

    def start(self, *words):
        return subprocess.Popen(
            [sys.executable, "-m", "builder", *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )

    def give(self, *words, status=0):
        process = self.start(*words)
        out, errors = process.communicate(timeout=LONGEST)
        assert process.returncode == status, errors
        assert TOKEN not in out + errors
        return out if status == 0 else errors


@pytest.fixture
def desk(stage):
    desk = Desk(stage)
    yield desk
    for container in stage.containers():
        container.remove(force=True)


def test_serve_leaves_it_running_and_stop_ends_it(desk):
    recipe = desk.recipe()
    said = json.loads(desk.give("serve", recipe, "--json"))
    (endpoint,) = said["endpoints"]
    assert healthy(endpoint)
    (container,) = desk.stage.containers()
    assert said["recipe"] == "play"
    assert said["containers"] == [container.name]
    assert said["replicas"] == 1
    again = desk.give("serve", recipe)
    assert again.startswith(f"play is served at {endpoint}\n")
    assert [c.id for c in desk.stage.containers()] == [container.id]
    assert "Connected" in desk.give("logs")
    assert len(desk.give("logs", "play", "-n", "2").splitlines()) == 2
    assert desk.give("stop", recipe) == f"stopped {container.name}\n"
    assert desk.stage.containers() == []
    assert desk.give("stop") == "no server of ours is there\n"


def test_several_recipes_have_to_be_told_apart(desk):
    desk.give("serve", desk.recipe("one"), "--quiet")
    desk.give("serve", desk.recipe("two"), "--quiet", "--set", "engine.dtype=float16")
    errors = desk.give("stop", status=2)
    assert errors.splitlines() == [
        "error: there are servers of several recipes: one, two",
        "Name one of them.",
    ]
    assert "Connected" in desk.give("logs", "one")
    errors = desk.give("stop", "three", status=1)
    assert errors.splitlines() == [
        "error: there is no server of 'three'",
        "There are servers of one, two.",
    ]
    assert len(json.loads(desk.give("stop", "one", "--json"))["stopped"]) == 1
    assert [c.labels["magpie.recipe"] for c in desk.stage.containers()] == ["two"]
    assert desk.give("stop", "--all").startswith("stopped magpie-two-0-")
    assert desk.stage.containers() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_while_it_starts_removes_the_container(desk, number):
    process = desk.start("serve", desk.recipe(image=desk.stage.variant(DEATH="never-ready")))
    assert "loading weights\n" in process.stderr
    process.send_signal(number)
    out, errors = process.communicate(timeout=LONGEST)
    assert (process.returncode, out) == (3, "")
    assert errors.splitlines()[-2:] == [
        "stopped before the server was ready: its container is removed, what was downloaded stays",
        f"To go on: magpie serve {desk.folder}/play.yaml",
    ]
    assert desk.stage.containers() == []


def test_a_server_that_dies_while_it_loads(desk):
    image = desk.stage.variant(DEATH="oom", AUTHOR="scripted")
    errors = desk.give("serve", desk.recipe(image=image), "--quiet", status=1)
    first, *_, last = errors.splitlines()
    assert first.startswith("error: TGI exited with 1 after ")
    assert first.endswith(" s while loading weights: out of GPU memory")
    assert last.startswith("Use 2 shards (`--set engine.num_shard=2`)")
    assert "  | torch.OutOfMemoryError: CUDA out of memory." in errors
    assert desk.stage.containers() == []


def test_logs_are_followed_until_the_server_ends(desk):
    desk.give("serve", desk.recipe(), "--set", "engine.replicas=2", "--quiet")
    process = desk.start("logs", "-f")
    heads = set()
    for line in process.stdout:
        if "Connected" in line:
            heads.add(line.partition(" | ")[0])
        if len(heads) == 2:
            break
    assert heads == {"0", "1"}
    desk.give("stop")
    process.communicate(timeout=LONGEST)
    assert process.returncode == 0


def test_a_build_at_work_is_left_alone(desk):
    with desk.stage.serving() as running:
        said = desk.give("stop", "--all")
        assert said == (
            f"left alone: {running.names[0]}, which serves {desk.stage.run}, on which a build "
            "works\n"
        )
        assert healthy(running.served.endpoints[0])


def test_a_recipe_without_a_container(desk):
    errors = desk.give("serve", "demo", status=2)
    assert errors.splitlines()[0] == (
        "error: the engine of demo is 'embedded', which needs no container"
    )
    errors = desk.give(
        "serve", desk.recipe(), "--set", "engine.endpoint=http://127.0.0.1:1", status=2
    )
    assert errors.splitlines()[0].endswith("names servers that run already: http://127.0.0.1:1")


def test_logs_without_a_server(desk):
    errors = desk.give("logs", status=1)
    assert errors.splitlines() == [
        "error: there is no server of ours",
        "`magpie serve RECIPE` starts one.",
    ]
    errors = desk.give("stop", "play", "--all", status=2)
    assert errors.splitlines()[0] == "error: RECIPE and --all exclude each other"
