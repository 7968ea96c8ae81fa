"""`magpie publish` as a process of its own, killed at moments that chance chooses."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import builder
from tests.cli.conftest import RECIPE
from tests.release.push.conftest import TOKEN, Seen
from tests.servers.hub.client import environment

pytestmark = pytest.mark.slow

ROOT = Path(builder.__file__).parents[1]
REPO = "org/killed"
KILLS = 12
LONGEST = 60.0
"""Seconds after which something that never happens fails its test."""


class Runs:
    """Two versions of one run's release, and `magpie` as people call it."""

    def __init__(self, folder, hub):
        self.folder, self.hub = folder, hub
        self.env = os.environ | environment(hub, folder / "home", TOKEN)
        self.env |= {"PYTHONPATH": str(ROOT)}
        (folder / "tiny.yaml").write_text(RECIPE)
        self.magpie("build", "tiny.yaml", "--kept", "30")

    def start(self, *words):
        call = [sys.executable, "-m", "builder", *words]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(call, cwd=self.folder, env=self.env, **pipes)

    def magpie(self, *words):
        process = self.start(*words)
        out, err = process.communicate(timeout=LONGEST)
        assert process.returncode == 0, err
        assert TOKEN not in out + err
        return out

    @property
    def release(self):
        return self.folder / "runs/tiny/release"

    def kill_at(self, number):
        """Kill -9 once the Hub was asked `number` times; tell whether it died of that."""
        mark = self.hub.log.mark()
        process = self.start("publish", "tiny", "--to", REPO)
        limit = time.monotonic() + LONGEST
        while len(self.hub.log.since(mark)) < number and process.poll() is None:
            assert time.monotonic() < limit, "the event never came"
            time.sleep(0.002)
        process.kill()
        process.communicate(timeout=LONGEST)
        return process.returncode == -signal.SIGKILL

    def state(self):
        """The tags of the repository: each leads to a whole release; none where there is none."""
        if self.hub.shelves.find("datasets", REPO) is None:
            return {}
        seen = Seen(self.hub, REPO)
        if any(title.startswith("Release") for title in seen.titles[:1]):
            assert seen.holds(self.release, "main")
        return seen.tags

    def secrets(self):
        """The files of the run that hold the token."""
        files = (path for path in (self.folder / "runs").rglob("*") if path.is_file())
        return [path for path in files if TOKEN.encode() in path.read_bytes()]


def test_killed_at_any_moment_a_publish_leaves_a_whole_release(hub, tmp_path):
    runs, chance = Runs(tmp_path, hub), random.Random(11)
    mark, killed = hub.log.mark(), 0
    runs.magpie("publish", "tiny", "--to", "org/measured")
    requests = len(hub.log.since(mark))
    for _ in range(KILLS):
        killed += runs.kill_at(chance.randint(1, requests))
        assert set(runs.state()) <= {"v1.0.0"}
        if runs.state() and chance.random() < 0.5:  # begin anew
            hub.shelves._kept.pop(("datasets", REPO))
            for path in sorted((tmp_path / "hub/datasets" / REPO).rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
    assert killed >= 10
    out = runs.magpie("publish", "tiny", "--to", REPO)
    assert "v1.0.0" in out
    seen = Seen(hub, REPO)
    assert runs.state() == {"v1.0.0": seen.head}
    assert seen.titles == ["Release v1.0.0: split train, 30 rows", "initial commit"]
    assert [path.name for path in runs.release.parent.glob(".reading-back.*")] == []
    assert "holds this release already" in runs.magpie("publish", "tiny", "--to", REPO)
    assert runs.secrets() == []


def test_ctrl_c_says_what_stands_and_how_to_go_on(hub, tmp_path):
    runs, mark = Runs(tmp_path, hub), hub.log.mark()
    process = runs.start("publish", "tiny", "--to", REPO)
    limit = time.monotonic() + LONGEST
    while not [asked for asked in hub.log.since(mark) if asked.route == "lfs-batch"]:
        assert time.monotonic() < limit, "the event never came"
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=LONGEST)
    assert process.returncode == 3, err
    assert "stopped: " in err
    assert f"To go on: magpie publish tiny --to {REPO}" in err
    runs.magpie("publish", "tiny", "--to", REPO)
    assert list(runs.state()) == ["v1.0.0"]
