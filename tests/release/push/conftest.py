"""A Hub of our own, releases of two splits to publish to it, and a look at what it then holds."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from huggingface_hub.utils import _http

from builder.release.push import hub as hub_module
from builder.release.push.hub import Hub, Watch
from builder.release.push.local import belongs_to
from builder.release.push.publish import publish
from builder.release.push.ready import Order
from tests.select.tiny_run import recipe, row
from tests.servers.hub import Account, writable_hub
from tests.servers.hub.client import point_here

TOKEN = "hf_writer"
REPO = "org/tiny-set"
ANN = Account(TOKEN, "ann", orgs={"org": "write", "club": "read"})


def of_split(split, **changes):
    return recipe(publish={"repo": REPO, "split": split}, **changes)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The server. Waiting takes no time, neither the client's nor ours."""
    clock = SimpleNamespace(sleep=lambda _: None, time=time.time)
    for module in (_http, hub_module):
        monkeypatch.setattr(module, "time", clock)
    others = [Account("hf_reader", "bob", "read", orgs={"org": "read"})]
    with writable_hub(tmp_path / "hub", ANN, *others) as server:
        point_here(monkeypatch, server, tmp_path / "home", TOKEN)
        yield server


@pytest.fixture
def made(release):
    """A release of a split with so many rows: `made("pro", 10)` -> its folder."""

    def make(split="pro", rows=6, name=None, **how):
        written = [row(n, f"{split} asks {n}", f"answer {n}") for n in range(rows)]
        return release(name or f"{split}-{rows}", written, of_split(split, **how)).folder

    return make


class Publisher:
    """Publishes, and remembers what was said, planned and read back."""

    def __init__(self, scratch, token=TOKEN):
        self.scratch, self.token = scratch, token
        self.said, self.plans, self.known = [], [], set()
        self.watching = {}

    def __call__(self, folder, **asked):
        self.plans.clear()
        hub = Hub(self.token, Watch(self.said.append, **self.watching), pauses=(0.0,) * 3)
        order = Order(folder, asked.pop("repo", REPO), **asked)
        done = publish(hub, order, self.plans.append, self.known.__contains__, self.scratch)
        self.known.add(done.commit)
        return done


@pytest.fixture
def publisher(hub, tmp_path, monkeypatch):
    """Publishes without reading back, which takes seconds; `reading_back` is for that."""
    from builder.release.push import publish as module

    monkeypatch.setattr(module, "read_back", lambda *_: {})
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Publisher(scratch)


@pytest.fixture
def reading_back(hub, tmp_path):
    """Publishes as people do."""
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    return Publisher(scratch)


class Seen:
    """What a repository holds, asked of the server itself."""

    def __init__(self, hub, name=REPO):
        self.repository = hub.shelves.find("datasets", name)

    @property
    def head(self):
        return self.repository.heads["main"]

    @property
    def tags(self):
        return dict(self.repository.tags)

    def oids(self, revision="main"):
        commit = self.repository.commit(self.repository.resolve(revision))
        return {path: entry.oid for path, entry in commit.files.items()}

    def read(self, path, revision="main"):
        commit = self.repository.commit(self.repository.resolve(revision))
        return self.repository.where(path, commit.files[path]).read_bytes()

    def holds(self, folder, revision):
        """Whether a revision has the data of a release byte for byte, and none beside it."""
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*.*")
            if path.is_file() and path.name not in ("README.md", "CHANGELOG.md")
        }
        split = next((folder / "facts").glob("*.json")).stem
        there = {path for path in self.oids(revision) if belongs_to(path, split)}
        return there == set(files) and all(
            self.read(path, revision) == body for path, body in files.items()
        )

    @property
    def titles(self):
        return [commit.title for commit in self.repository.history(self.head)]


@pytest.fixture
def seen(hub):
    """Reads what the server holds now."""
    return lambda name=REPO: Seen(hub, name)
