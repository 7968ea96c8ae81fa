"""The main job with containers, as people start it: from no container to a release to none."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import polars as pl
import pytest

import builder
from builder.recipe.model_source import demo_folder
from tests.server.stage import TOKEN, wait_for
from tests.servers.embedding.server import embedding_server
from tests.servers.hub import running_hub
from tests.servers.openai.server import openai_server
from tests.servers.scoring.vllm import vllm

pytestmark = [pytest.mark.docker, pytest.mark.slow]

ROOT = Path(builder.__file__).resolve().parents[1]
LONGEST = 150
LARGE, SMALL = (f"meta-llama/Meta-Llama-3-{size}-Instruct" for size in ("70B", "8B"))


@pytest.fixture
def person(stage, monkeypatch):
    """A person with an empty home, and a token that the Hub of a `with` block may know."""
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_HOME", str(stage.folder / "home"))
    monkeypatch.setenv("COLUMNS", "100")
    return stage


def magpie(*words, **how):
    command = [sys.executable, "-m", "builder", *map(str, words)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    heard = partial(signal.signal, signal.SIGHUP, signal.SIG_DFL)  # nohup may have us ignore it
    return subprocess.Popen(command, env=environment, preexec_fn=heard, **pipes | how)  # noqa: PLW1509


def ended(process):
    """Exit status, and all that was said."""
    out, errors = process.communicate(timeout=LONGEST)
    return process.returncode, out, errors


def build(stage, *settings, image=None, kept=40):
    pairs = [
        "engine.kind=tgi",
        f"engine.image={image or stage.variant(AUTHOR='scripted')}",
        "engine.port=0",
        *settings,
    ]
    sets = [word for pair in pairs for word in ("--set", pair)]
    return magpie("build", "demo", "--kept", kept, "--run", stage.run, *sets)


def events(stage):
    path = stage.run / "events.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def names(stage):
    return [event["event"] for event in events(stage)]


@pytest.fixture
def servers():
    """What the annotators of the recipes ask, as `make` is told of it."""
    with vllm() as reward, embedding_server() as embeddings, openai_server() as base:
        yield {"REWARD": reward.url, "EMBEDDINGS": embeddings.url, "BASE": base.url}


NAMES = ["annotate.reward.model=", "annotate.embedding.model="]
"""The models of these servers have other names than those of the recipes."""

NAMES_OF_BASE = [
    "annotate.reward_difference.base.model=",
    "annotate.reward_difference.reward.model=",
]


@pytest.mark.parametrize(("target", "model"), [("magpie-pro", LARGE), ("magpie-air", SMALL)])
def test_make_goes_from_no_container_to_a_release_to_no_container(person, servers, target, model):
    words = [f"IMAGE={person.image}", "KEPT=30", "PUBLISH=0", f"RUN={person.run}"]
    words += [f"{name}={url}" for name, url in servers.items()]
    sets = ["engine.port=0", *NAMES, *(NAMES_OF_BASE if target == "magpie-air" else [])]
    with running_hub(model, demo_folder(), TOKEN) as hub:
        made = subprocess.run(
            ["make", "-C", ROOT, target, *words, f"SET={' '.join(sets)}"],
            env=os.environ | {"HF_ENDPOINT": hub.url},
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
    assert made.returncode == 0, made.stderr
    split = target.removeprefix("magpie-")
    rows = pl.read_parquet(person.run / "release" / "filtered" / f"{split}-*.parquet")
    assert rows.height == 30
    record = json.loads((person.run / "run.json").read_text())
    assert record["server"]["image"] == person.image
    assert record["server"]["command"][:2] == ["--model-id", model]
    assert (record["preflight"]["bos_count"], record["preflight"]["told_by_server"]) == (1, True)
    assert names(person)[-3:] == ["sampling-ended", "server-stopped", "released"]
    assert person.containers() == []
    files = [path for path in person.run.rglob("*") if path.is_file()]
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []
    assert TOKEN not in made.stdout + made.stderr


def test_a_machine_that_lacks_all_says_so_before_anything_is_pulled(person, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    monkeypatch.setenv("PATH", str(person.folder))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.delenv("HF_TOKEN")
    status, out, errors = ended(magpie("build", "magpie-pro", "--run", person.run))
    assert (status, out) == (1, "")
    lines = errors.splitlines()
    assert lines[0].startswith("error: magpie-pro cannot be built here yet: ")
    assert [line.split(":")[0].strip() for line in lines[1:4]] == [
        "container engine",
        "GPUs",
        "token",
    ]
    assert lines[-1] == "`magpie doctor magpie-pro` shows all that was looked at."
    assert not person.run.exists()


def test_a_server_that_dies_in_mid_run_is_started_again_and_no_row_is_lost(person):
    once = {"DEATH": "after-requests:60", "DEATH_ONCE": "/data/died"}
    deadly = person.variant(AUTHOR="scripted", **once)
    status, _, errors = ended(build(person, image=deadly, kept=50))
    assert status == 0, errors
    seen = names(person)
    assert (seen.count("server-died"), seen.count("server-restarted")) == (1, 1)
    kept = pl.read_parquet(person.run / "release" / "filtered" / "*.parquet")
    assert (kept.height, kept["uuid"].n_unique()) == (50, 50)
    assert "server away" in events(person)[names(person).index("sampling-ended")]["retries"]


def test_a_server_that_dies_all_the_time_stops_the_run_and_it_can_go_on(person):
    deadly = person.variant(AUTHOR="scripted", DEATH="after-requests:25")
    status, _, errors = ended(build(person, image=deadly, kept=400))
    assert status == 1
    assert names(person).count("server-given-up") == 1
    assert "error: a server was given up after 3 restarts: TGI exited with 1 after " in errors
    assert "The run is whole: the same command goes on where it stopped." in errors
    assert person.containers() == []
    status, _, errors = ended(build(person, kept=60))
    assert status == 0, errors


def test_what_a_killed_build_left_is_adopted_and_gone_at_the_end(person):
    slow = person.variant(AUTHOR="scripted", RATE="60")
    process = build(person, image=slow, kept=60)
    wait_for(lambda: "sampling" in names(person), "the first row")
    process.kill()
    process.communicate()
    left = [container.id for container in person.containers()]
    assert len(left) == 1
    again = build(person, image=slow, kept=60)
    wait_for(lambda: "server-adopted" in names(person), "the adoption")
    assert [container.id for container in person.containers()] == left
    status, _, errors = ended(again)
    assert status == 0, errors
    assert person.containers() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_build_leaves_no_container(person, number):
    process = build(person, image=person.variant(AUTHOR="scripted", RATE="60"), kept=400)
    wait_for(lambda: "sampling" in names(person), "the first row")
    process.send_signal(number)
    status, _, errors = ended(process)
    assert status == 3, errors
    assert "To go on: magpie build demo --kept 400" in errors
    assert person.containers() == []
