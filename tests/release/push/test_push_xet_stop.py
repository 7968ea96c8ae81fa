"""`magpie publish` over Xet as a process of its own: stopped in the middle, and run again."""

import signal
import time

import pytest

from tests.release.push.conftest import TOKEN, Seen
from tests.release.push.test_push_kill import LONGEST, REPO, Runs
from tests.release.push.xet_hub import hub_with_xet
from tests.servers.hub import Fault

pytestmark = pytest.mark.slow

LAST = "xet-shard-2"
"""The route by which an upload ends."""


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with hub_with_xet(tmp_path, monkeypatch) as server:
        yield server


@pytest.fixture
def runs(tmp_path, hub):
    return Runs(tmp_path, hub)


def held_at(hub, runs, route):
    """A publish whose request on a route gets no answer, by the time that it waits there."""
    hub.faults.clear()
    hub.faults.strike(Fault("stall", seconds=3600), route=route, times=1000)
    mark, limit = hub.log.mark(), time.monotonic() + LONGEST
    process = runs.start("publish", "tiny", "--to", REPO)
    while not [asked for asked in hub.log.since(mark) if asked.route == route]:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit, "the event never came"
        time.sleep(0.002)
    return process


def ended(process, by):
    process.send_signal(by)
    out, err = process.communicate(timeout=LONGEST)
    assert TOKEN not in out + err
    return process.returncode, err


def test_ctrl_c_ends_an_upload_at_once_and_the_next_publish_finishes(hub, runs, tmp_path):
    for route in ("xet-write-token", "xet-put", LAST):
        code, err = ended(held_at(hub, runs, route), signal.SIGINT)
        assert code == 3, err
        assert "stopped: org/killed is as it was; files that were sent are not sent again" in err
        assert err.endswith(f"To go on: magpie publish tiny --to {REPO}\n")
        assert "Traceback" not in err
        assert runs.state() == {}
    hub.faults.clear()
    assert "v1.0.0" in runs.magpie("publish", "tiny", "--to", REPO)
    assert runs.state() == {"v1.0.0": Seen(hub, REPO).head}
    secrets = (TOKEN.encode(), *(token.encode() for token in hub.xet.tokens._given))
    logs = [path.read_bytes() for path in (tmp_path / "home/xet/logs").iterdir()]
    assert logs
    assert not [log for log in logs for secret in secrets if secret in log]
    assert runs.secrets() == []


def test_a_publish_that_was_killed_is_finished_by_the_next(hub, runs):
    for route in ("xet-grant", "xet-stored", LAST):
        code, _ = ended(held_at(hub, runs, route), signal.SIGKILL)
        assert code == -signal.SIGKILL
        assert runs.state() == {}
    hub.faults.clear()
    runs.magpie("publish", "tiny", "--to", REPO)
    seen = Seen(hub, REPO)
    assert runs.state() == {"v1.0.0": seen.head}
    assert seen.titles == ["Release v1.0.0: split train, 30 rows", "initial commit"]
