"""What goes wrong with Xet while a release is published, and what then stands on the Hub."""

import pytest

from builder.errors import MagpieError, OverloadedError, UnavailableError
from builder.release.push import chunked, watched
from builder.release.push.hub import AGAIN
from builder.release.push.refusals import ChunksError, ForbiddenError, PublishError, meaning, words
from tests.release.push.conftest import TOKEN, Publisher, Seen
from tests.release.push.xet_hub import PACKED, count, hub_with_xet
from tests.servers.hub import Fault
from tests.servers.hub.client import point_here
from tests.servers.hub.xet.storage import Storage

SECOND = {
    "xet-write-token": ("error", "limited", "reset_before", "lost"),
    "xet-grant": ("error", "limited", "reset_before", "lost"),
    "xet-put": ("error", "limited", "reset_request", "lost"),
    "xet-stored": ("error", "reset_before", "lost", "error_late"),
    "xet-shard-2": ("error", "limited", "reset_request", "reset_answer", "lost", "error_late"),
}
FIRST = {
    "xet-xorb": ("error", "limited", "reset_request", "lost", "error_late"),
    "xet-shard": ("error", "limited", "reset_request", "lost", "error_late"),
}
STRUCK = [(2, route, kind) for route, kinds in SECOND.items() for kind in kinds]
STRUCK += [(1, route, kind) for route, kinds in FIRST.items() for kind in kinds]

LASTING = [
    (2, "xet-write-token", "error"),
    (2, "xet-grant", "reset_request"),
    (2, "xet-stored", "error"),
    (2, "xet-shard-2", "reset_request"),
    (1, "xet-xorb", "limited"),
    (1, "xet-shard", "lost"),
]
"""Some that stand for the others where every further request is struck, too."""


@pytest.fixture
def hub(request, tmp_path, monkeypatch):
    with hub_with_xet(tmp_path, monkeypatch, getattr(request, "param", 2)) as server:
        yield server


class Scene:
    """Publishes one release again and again: each time nobody knows any of its chunks."""

    def __init__(self, hub, publisher, folder, tmp_path, monkeypatch):
        self.hub, self.publisher, self.folder = hub, publisher, folder
        self._new, self._patch, self._count = tmp_path / "new", monkeypatch, 0

    def begin(self, generation=2):
        self._count += 1
        self.repo = f"org/set-{self._count}"
        self.hub.faults.clear()
        self.hub.xet = Storage(self._new / f"xet-{self._count}", generation)
        point_here(self._patch, self.hub, self._new / f"home-{self._count}", TOKEN)

    def publish(self):
        return self.publisher(self.folder, repo=self.repo)

    def check(self):
        """The whole release with its tag, in one commit."""
        seen = Seen(self.hub, self.repo)
        assert seen.titles == ["Release v1.0.0: split pro, 3 rows", "initial commit"]
        assert seen.tags == {"v1.0.0": seen.head}
        assert seen.holds(self.folder, "v1.0.0")

    def finish(self):
        """The next publish, when all is well again."""
        assert Seen(self.hub, self.repo).tags == {}
        self.hub.faults.clear()
        self.publish()
        self.check()


@pytest.fixture
def scene(hub, publisher, made, tmp_path, monkeypatch):
    return Scene(hub, publisher, made("pro", 3), tmp_path, monkeypatch)


@pytest.mark.slow
def test_one_fault_is_no_more_than_a_pause(scene):
    for generation, route, kind in STRUCK:
        scene.begin(generation)
        scene.hub.faults.strike(Fault(kind, seconds=0), route=route)
        mark = scene.hub.log.mark()
        scene.publish()
        assert count(scene.hub, mark, route) > 1
        scene.check()


@pytest.mark.slow
@pytest.mark.parametrize(("generation", "route", "kind"), LASTING)
def test_what_lasts_ends_in_one_line_and_the_next_publish_finishes(scene, generation, route, kind):
    scene.begin(generation)
    scene.hub.faults.strike(Fault(kind, seconds=0), route=route, times=1000)
    with pytest.raises(PublishError) as caught:
        scene.publish()
    assert "tried often enough: upload to org/set-" in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.mend == AGAIN
    scene.finish()


def test_a_storage_that_takes_no_grants_gets_xorbs_straight(scene):
    scene.begin()
    scene.hub.faults.strike(Fault("error"), route="xet-put", times=1000)
    mark = scene.hub.log.mark()
    scene.publish()
    assert count(scene.hub, mark, "xet-xorb") == 1
    scene.check()


def test_chunks_that_cannot_be_asked_for_are_sent(scene):
    scene.begin()
    scene.hub.faults.strike(Fault("error"), route="xet-chunk", times=1000)
    scene.publish()
    scene.check()


@pytest.mark.parametrize(("status", "says"), [(401, "settings/tokens"), (403, "may write")])
def test_a_token_that_is_refused_is_not_asked_for_again(scene, status, says):
    scene.begin()
    scene.hub.faults.strike(Fault("error", status), route="xet-write-token", times=1000)
    mark = scene.hub.log.mark()
    with pytest.raises(ForbiddenError) as caught:
        scene.publish()
    assert caught.value.message.startswith(f"upload to {scene.repo}: {status} ")
    assert caught.value.message.endswith(f"/{scene.repo}/xet-write-token/main")
    assert says in caught.value.mend
    assert count(scene.hub, mark, "xet-write-token") == 1
    scene.finish()


def test_a_storage_whose_token_has_ended_is_asked_with_another(scene):
    scene.begin()
    scene.hub.faults.strike(Fault("error", 401), route="xet-grant")
    mark = scene.hub.log.mark()
    scene.publish()
    assert count(scene.hub, mark, "xet-write-token") == 2
    scene.check()


def test_a_storage_that_lost_its_chunks_gets_all_of_them(scene, tmp_path):
    """As that of a repository that was deleted, which this machine remembers."""
    scene.begin()
    scene.publish()
    scene.hub.xet = Storage(tmp_path / "emptied", 2)
    scene.repo = "org/made-anew"
    mark = scene.hub.log.mark()
    scene.publish()
    scene.check()
    assert count(scene.hub, mark, "xet-shard-2") == 2
    assert [line for line in scene.publisher.said if line.endswith("sending it all")]


def test_a_storage_that_takes_nothing_ends_it(scene):
    scene.begin()
    scene.hub.faults.strike(Fault("error", 400), route="xet-shard-2", times=1000)
    with pytest.raises(ChunksError, match="400 Bad Request from http"):
        scene.publish()
    scene.finish()


def test_to_wait_for_the_hub_is_told(scene):
    scene.begin()
    scene.hub.faults.strike(Fault("limited", seconds=30), route="xet-grant", times=6)
    scene.publish()
    said = [line for line in scene.publisher.said if "asks us to wait" in line]
    assert len(said) == 1
    assert "429 Too Many Requests" in said[0]
    assert said[0].endswith("trying again in 30 s")
    scene.check()


@pytest.mark.parametrize(
    ("generation", "route"),
    [(1, "xet-shard"), (2, "xet-write-token"), (2, "xet-put"), (2, "xet-shard-2")],
)
def test_a_storage_that_is_silent_is_not_waited_for_for_ever(scene, monkeypatch, generation, route):
    monkeypatch.setattr(watched, "SILENT_SECONDS", 0.5)
    scene.begin(generation)
    scene.hub.faults.strike(Fault("stall", seconds=3600), route=route, times=1000)
    with pytest.raises(PublishError, match="nothing moved for 0 s"):
        scene.publish()
    monkeypatch.setattr(watched, "SILENT_SECONDS", 180.0)
    scene.finish()


def test_no_word_holds_a_token_or_an_address_that_opens(scene, tmp_path):
    said = scene.publisher.said
    for route in ("xet-put", "xet-shard-2", "xet-write-token"):
        for kind in ("error", "reset_before"):
            scene.begin()
            scene.hub.faults.strike(Fault(kind), route=route, times=12)
            try:
                scene.publish()
            except MagpieError as error:
                said.append(f"{error.message} {error.mend}")
    given = list(scene.hub.xet.tokens._given)
    logs = [path.read_text() for path in (tmp_path / "new").glob("home-*/xet/logs/*")]
    assert said
    for secret in (TOKEN, "signature=", *given):
        assert not [line for line in [*said, *logs] if secret in line]


@pytest.mark.slow
def test_a_download_that_fails_or_brings_a_flipped_bit_is_read_back_anew(hub, made, tmp_path):
    """hf_xet asks again for what fails; a bit that it does not notice is found by the SHA-256."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    reading_back = Publisher(scratch)
    hub.faults.strike(Fault("error"), route="xet-terms-2")
    hub.faults.strike(Fault("reset_answer"), route="xet-range")
    hub.faults.strike(Fault("flipped"), route="xet-range", nth=1)
    mark = hub.log.mark()
    done = reading_back(made("pro", 3))
    assert done.rows == {"filtered": {"pro": 3}, "raw": {"pro": 3}}
    struck = [asked.fault for asked in hub.log.since(mark) if asked.fault]
    assert sorted(struck) == ["error", "flipped", "reset_answer"]
    assert count(hub, mark, "xet-range") >= len(PACKED) + 2


@pytest.mark.slow
def test_a_storage_that_gives_nothing_back_is_told_and_the_next_publish_reads_it(
    hub, made, tmp_path
):
    scratch, folder = tmp_path / "scratch", made("pro", 3)
    scratch.mkdir()
    reading_back = Publisher(scratch)
    hub.faults.strike(Fault("error"), route="xet-terms-2", times=1000)
    with pytest.raises(PublishError, match=r"v1\.0\.0 stands on .* does not read back: ") as caught:
        reading_back(folder)
    assert "500" in caught.value.message
    assert TOKEN not in caught.value.message
    hub.faults.clear()
    assert reading_back(folder).rows == {"filtered": {"pro": 3}, "raw": {"pro": 3}}


HUB, CAS = "https://huggingface.co", "https://cas-server.xethub.hf.co"


@pytest.mark.parametrize(
    ("said", "kind", "line"),
    [
        (
            "Network error: Request error: HTTP status client error (401 Unauthorized), domain: "
            f"{HUB}/v1/xorbs/default/00",  # a storage that stands where the Hub does
            UnavailableError,
            f"401 Unauthorized from {HUB}/v1/xorbs/default/00",
        ),
        (
            "Network error: Request error: HTTP status client error (400 Bad Request), domain: "
            f"{CAS}/v1/shards",
            ChunksError,
            f"400 Bad Request from {CAS}/v1/shards",
        ),
        (
            "Network error: Request error: HTTP status client error (403 Forbidden), domain: "
            f"{HUB}/api/datasets/a/b/xet-write-token/main",
            ForbiddenError,
            f"403 Forbidden from {HUB}/api/datasets/a/b/xet-write-token/main",
        ),
        (
            "Rate limited: Request error: HTTP status client error (429 Too Many Requests), "
            f"domain: {CAS}/v2/shards",
            OverloadedError,
            f"429 Too Many Requests from {CAS}/v2/shards",
        ),
        (
            "Server error: Request error: HTTP status server error (503 Service Unavailable), "
            f"domain: {CAS}/v1/xorbs/default/00",
            UnavailableError,
            f"503 Service Unavailable from {CAS}/v1/xorbs/default/00",
        ),
        (
            f"Network error: Request middleware error: error sending request for url ({CAS}/x?a=b)",
            UnavailableError,
            f"no answer from {CAS}/x",
        ),
        (
            "Network error: Request error: error decoding response body, domain: no-url",
            UnavailableError,
            "an answer broke off",
        ),
    ],
)
def test_what_hf_xet_says_means(said, kind, line):
    error = ConnectionError(said)
    assert type(meaning(error, "upload", HUB)) is kind
    assert words(error) == line


def test_notes_that_cannot_be_written_say_where_they_lie(scene, monkeypatch):
    scene.begin()
    monkeypatch.setenv(chunked.CACHE, "/proc/nowhere")
    with pytest.raises(PublishError, match="I/O error") as caught:
        scene.publish()
    assert "can it be written to?" in caught.value.mend
