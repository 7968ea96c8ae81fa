"""Where a test of containers plays: a run, an image, and what was told and noted meanwhile."""

import contextlib
import time
import uuid

from builder.recipe.engine_spec import TgiEngineSpec
from builder.recipe.model_source import demo_folder
from builder.run.lock import locked
from builder.server.plan import ServeRequest
from builder.server.ready import Ears
from builder.server.serving import serving
from builder.server.upkeep import RestartPolicy
from tests.server.image import variant

LONGEST = 60.0
"""Seconds after which something that never happens fails its test."""

TOKEN = "hf_a-token-that-nobody-may-see"

QUICK = RestartPolicy(pauses=(0.05, 0.1), look=0.1, health=0.1)


class Stage:
    """`environment` is what a process needs to play here: a scope, a cache and a token."""

    def __init__(self, engine, image, folder):
        self.engine = engine
        self.image = image
        self.folder = folder
        self.run = folder / "run"
        self.scope = f"test-{uuid.uuid4().hex[:12]}"
        self.environment = {
            "MAGPIE_SCOPE": self.scope,
            "HF_HUB_CACHE": str(folder / "hub"),
            "HF_TOKEN": TOKEN,
        }
        self.events = []
        self.told = []
        self.told_by = self.told.append

    def another(self):
        """A second run, beside this one and in its scope."""
        other = Stage(self.engine, self.image, self.folder)
        other.run, other.scope = self.folder / "other", self.scope
        return other

    def variant(self, **environment):
        """The image with MAGPIE_TEST_<NAME> set, such as DEATH."""
        named = {f"MAGPIE_TEST_{name}": str(value) for name, value in environment.items()}
        return variant(self.engine, self.image, named)

    def spec(self, image=None, **keys):
        scripted = image or self.variant(AUTHOR="scripted")
        return TgiEngineSpec(kind="tgi", image=scripted, **{"port": 0, "start_minutes": 1.0} | keys)

    def request(self, **keys):
        wanted = {"model_id": "demo", "revision": "main", "recipe": "play", "run": self.run}
        return ServeRequest(**wanted | {"model_folder": demo_folder()} | keys)

    @property
    def ears(self):
        return Ears(self.told_by, lambda event, **details: self.events.append((event, details)))

    @contextlib.contextmanager
    def serving(self, spec=None, policy=QUICK, **keys):
        """As a build does: the run is locked, so what it starts is left over only by its death."""
        with locked(self.run / "lock"):
            wanted = spec or self.spec()
            with serving(wanted, self.request(**keys), self.ears, policy) as running:
                yield running

    def containers(self):
        """All of this test that are there, running or not."""
        return self.engine.client.containers.list(
            all=True, filters={"label": f"magpie.scope={self.scope}"}
        )

    def names(self):
        return [event for event, _ in self.events]

    def details(self, event):
        return [details for name, details in self.events if name == event]

    def log(self):
        return (self.run / "server.log").read_text(encoding="utf-8")


def wait_for(happened, what="it"):
    """Wait until `happened()` is true, and return what it says."""
    limit = time.monotonic() + LONGEST
    while not (seen := happened()):
        assert time.monotonic() < limit, f"{what} never came"
        time.sleep(0.02)
    return seen
