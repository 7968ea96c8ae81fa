"""Publishing over Xet, as the Hub's own client does it: what is sent, what is not sent again."""

import random

import pytest
from huggingface_hub import HfFileSystem

from builder.release.push.hub import Hub, Watch
from builder.release.push.publish import publish
from builder.release.push.ready import Order
from tests.release.push.conftest import REPO, TOKEN, of_split
from tests.release.push.xet_hub import PACKED, count, hub_with_xet, received
from tests.select.tiny_run import row
from tests.servers.hub.client import point_here

BOTH = pytest.mark.parametrize("hub", [1, 2], indirect=True)
"""With the routes of the first generation alone, and with those of the second."""


@pytest.fixture
def hub(request, tmp_path, monkeypatch):
    with hub_with_xet(tmp_path, monkeypatch, getattr(request, "param", 2)) as server:
        yield server


@pytest.fixture
def long(release):
    """Makes a release of so many rows with answers of 3 kB that nothing can pack away."""

    def make(rows, split="pro"):
        chance = random.Random(split)
        answers = [chance.randbytes(1500).hex() for _ in range(rows)]
        written = [row(n, f"{split} asks {n}", answer) for n, answer in enumerate(answers)]
        return release(f"{split}-{rows}", written, of_split(split)).folder

    return make


def size(folder):
    return sum(path.stat().st_size for path in folder.rglob("*.parquet"))


@BOTH
def test_a_first_release_goes_in_chunks_and_nothing_over_lfs(hub, publisher, made, seen, capfd):
    done = publisher(folder := made("pro", 6))
    assert seen().tags == {"v1.0.0": seen().head}
    assert seen().holds(folder, "v1.0.0")
    assert seen().titles == ["Release v1.0.0: split pro, 6 rows", "initial commit"]
    routes = {asked.route for asked in hub.log.asked}
    assert {"xet-write-token", PACKED[hub.xet.generation == 1]} <= routes
    assert not routes & {"lfs-batch", "lfs-put"}
    assert done.plan.bytes > 0
    assert capfd.readouterr() == ("", "")


def test_a_version_with_more_rows_sends_the_new_chunks_only(hub, publisher, long, seen):
    publisher(long(400))
    mark = hub.log.mark()
    done = publisher(folder := long(404))
    sent, whole = received(hub, mark, *PACKED), size(folder)
    assert done.plan.version.tag == "v1.1.0"
    assert seen().holds(folder, "v1.1.0")
    assert 0 < sent < whole / 2


def test_another_machine_learns_from_the_storage_what_is_there(
    hub, publisher, long, seen, tmp_path, monkeypatch
):
    publisher(folder := long(100))
    point_here(monkeypatch, hub, tmp_path / "another home", TOKEN)
    mark = hub.log.mark()
    publisher(folder, repo="org/another")
    answers = [asked.status for asked in hub.log.since(mark) if asked.route == "xet-chunk"]
    assert 200 in answers
    assert received(hub, mark, *PACKED) < size(folder) / 10
    assert seen("org/another").holds(folder, "v1.0.0")


def test_a_second_split_leaves_the_first_as_it_is(hub, publisher, made, seen):
    publisher(pro := made("pro", 4))
    publisher(air := made("air", 5))
    assert seen().holds(pro, "main")
    assert seen().holds(air, "main")
    assert list(seen().tags) == ["v1.0.0", "v1.1.0"]


def test_the_same_release_again_sends_nothing(hub, publisher, made):
    publisher(folder := made("pro", 4))
    mark = hub.log.mark()
    done = publisher(folder)
    assert done.new is False
    assert count(hub, mark, "commit", "xet-write-token", *PACKED) == 0


def test_an_upload_tells_how_far_it_is(hub, long):
    sent, folder = [], long(60)
    watch = Watch(sent=lambda done, everything: sent.append((done, everything)))
    upload = Hub(TOKEN, watch)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builder.release.push.publish.read_back", lambda *_: {})
        publish(upload, Order(folder, REPO), lambda _: None, lambda _: False, folder)
    everything = sent[0][1]
    assert {whole for _, whole in sent} == {everything}
    assert [done for done, _ in sent] == sorted(done for done, _ in sent)
    assert (sent[0][0], sent[-1][0]) == (0, everything)
    assert len(sent) > 2  # not at its ends alone


def test_a_client_that_knows_no_xet_gets_the_same_bytes(hub, publisher, long, seen):
    publisher(folder := long(60))
    (path,) = (folder / "filtered").glob("pro-*.parquet")
    name = f"datasets/{REPO}/filtered/{path.name}"
    files = HfFileSystem(endpoint=hub.url, token=TOKEN, skip_instance_cache=True)
    mark = hub.log.mark()
    with files.open(name, "rb", block_size=10_000) as file:
        file.seek(50_000)
        assert file.read(1000) == path.read_bytes()[50_000:51_000]
    routes = [asked.route for asked in hub.log.since(mark)]
    assert "lfs-get" in routes
    assert "xet-range" not in routes


@pytest.mark.slow
def test_readers_load_it_in_chunks(hub, reading_back, made):
    done = reading_back(made("pro", 3))
    assert done.rows == {"filtered": {"pro": 3}, "raw": {"pro": 3}}
    routes = {asked.route for asked in hub.log.asked}
    assert {"xet-read-token", "xet-range"} <= routes
    assert "lfs-get" not in routes
