"""A Hub with Xet, for publishing in this process."""

from __future__ import annotations

import contextlib
import time
from types import SimpleNamespace

from huggingface_hub.utils import _http

from builder.release.push import hub as hub_module
from tests.release.push.conftest import ANN, TOKEN
from tests.servers.hub import Account, writable_hub
from tests.servers.hub.client import point_here

READER = Account("hf_reader", "bob", "read", orgs={"org": "read"})

PACKED = ("xet-put", "xet-xorb")
"""Routes that xorbs come in by, of the second and of the first generation."""


@contextlib.contextmanager
def hub_with_xet(tmp_path, monkeypatch, generation=2):
    """The server while the block runs. Waiting takes no time, neither the client's nor ours."""
    clock = SimpleNamespace(sleep=lambda _: None, time=time.time)
    for module in (_http, hub_module):
        monkeypatch.setattr(module, "time", clock)
    with writable_hub(tmp_path / "hub", ANN, READER, xet=generation) as server:
        point_here(monkeypatch, server, tmp_path / "home", TOKEN)
        yield server


def received(hub, mark, *routes):
    """Bytes of requests that came to these routes since then."""
    return sum(asked.received for asked in hub.log.since(mark) if asked.route in routes)


def count(hub, mark, *routes):
    """How many came."""
    return len([asked for asked in hub.log.since(mark) if asked.route in routes])
