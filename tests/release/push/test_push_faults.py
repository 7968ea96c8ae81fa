"""A fault at every single request of a publish, each in turn, and what then stands on the Hub."""

import contextlib

import pytest

from builder.errors import MagpieError
from tests.release.push.conftest import REPO, Seen
from tests.servers.hub import KINDS, Fault

pytestmark = pytest.mark.slow

LASTING = ("error", "reset_before", "lost")
"""Kinds that stand for all others where every further request is struck, too."""


class FirstRelease:
    """Into no repository: each time another name, for there is none to go back to."""

    def __init__(self, hub, publisher, made):
        self.hub, self.publisher, self.folder, self.count = hub, publisher, made("pro", 3), 0
        self.version = "v1.0.0"

    def begin(self):
        self.count += 1
        self.repo = f"org/set-{self.count}"

    def check(self, done):
        """The state is the old one or the new one; with `done` the new one with its tag."""
        if self.hub.shelves.find("datasets", self.repo) is None:
            assert not done
            return
        seen = Seen(self.hub, self.repo)
        landed = seen.titles[:-1]
        assert landed in ([], ["Release v1.0.0: split pro, 3 rows"])
        assert set(seen.tags) <= {"v1.0.0"}
        if landed:
            assert seen.holds(self.folder, "main")
        if seen.tags or done:
            assert seen.tags == {"v1.0.0": seen.head}
            assert landed


class NewVersion:
    """Of one split, with fewer files than before, beside another split."""

    def __init__(self, hub, publisher, made, monkeypatch):
        from builder.release import parquet

        self.hub, self.publisher, self.repo, self.version = hub, publisher, REPO, "v1.2.0"
        publisher(made("air", 3))
        with monkeypatch.context() as patch:
            patch.setattr(parquet, "GROUP_SPAN", 3)
            patch.setattr(parquet, "FILE_SPAN", 3)
            publisher(made("pro", 5))
        self.folder = made("pro", 7)
        seen = Seen(hub)
        self.repository, self.head, self.tags = seen.repository, seen.head, seen.tags
        self.large = set(self.files())
        self.before = seen.oids()

    def files(self):
        return (self.repository.folder / "large").iterdir()

    def begin(self):
        """Go back to the state before."""
        self.repository.heads["main"] = self.head
        self.repository.tags = dict(self.tags)
        self.repository.save()
        for path in set(self.files()) - self.large:
            path.unlink()

    def check(self, done):
        seen = Seen(self.hub)
        assert seen.tags.items() >= self.tags.items()
        more = seen.tags.keys() - self.tags.keys()
        if seen.head == self.head:
            assert (more, done) == (set(), False)
            assert seen.oids() == self.before
            return
        assert len(seen.titles) == 4
        assert seen.holds(self.folder, "main")
        air = {path: oid for path, oid in self.before.items() if "/air" in path}
        assert air.items() <= seen.oids().items()
        if more or done:
            assert {name: seen.tags[name] for name in more} == {"v1.2.0": seen.head}


@pytest.fixture(params=["first release", "new version"])
def scene(request, hub, publisher, made, monkeypatch):
    if request.param == "first release":
        return FirstRelease(hub, publisher, made)
    return NewVersion(hub, publisher, made, monkeypatch)


def requests_of(scene):
    """How many requests a publish makes that nothing disturbs."""
    scene.begin()
    mark = scene.hub.log.mark()
    scene.publisher(scene.folder, repo=scene.repo)
    scene.check(done=True)
    return len(scene.hub.log.since(mark))


@pytest.mark.parametrize("kind", KINDS)
def test_one_fault_anywhere_is_no_more_than_a_pause(scene, kind):
    count = requests_of(scene)
    assert count > 15
    for number in range(count):
        scene.begin()
        scene.hub.faults.strike(Fault(kind, seconds=0), nth=number)
        scene.publisher(scene.folder, repo=scene.repo)
        scene.hub.faults.clear()
        scene.check(done=True)


@pytest.mark.parametrize("kind", LASTING)
def test_a_hub_that_fails_from_some_request_on_is_finished_by_the_next_publish(scene, kind):
    for number in range(requests_of(scene)):
        scene.begin()
        scene.hub.faults.strike(Fault(kind, seconds=0), nth=number, times=1000)
        with contextlib.suppress(MagpieError):
            scene.publisher(scene.folder, repo=scene.repo)
        scene.hub.faults.clear()
        scene.check(done=False)
        again = scene.publisher(scene.folder, repo=scene.repo)
        scene.check(done=True)
        assert again.plan.version.tag == scene.version
