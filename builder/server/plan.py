"""What a container is to be: worked out from the recipe before any container exists."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from builder.errors import UsageError
from builder.recipe.engine_spec import TgiEngineSpec
from builder.server.image import Image

Owner = Literal["build", "serve"]

OWNER, RUN, RECIPE, PLAN, REPLICA, SCOPE = (
    f"magpie.{name}" for name in ("owner", "run", "recipe", "plan", "replica", "scope")
)
"""Labels of a container of ours: what started it, the absolute path of the run, the recipe's
name, the fingerprint of its plan, its number among the replicas, and whose it is."""

PORT_INSIDE = 80
CACHE_INSIDE = "/data"
"""Where TGI's documentation mounts the Hub's cache. Its images say HF_HOME=/data, whose cache would
be /data/hub; both variables of the cache itself are set, and HF_HOME leads away from the mount, so
that what else is written there stays out of the cache of this machine."""
HOME_INSIDE = "/tmp/huggingface"
MODEL_INSIDE = "/model"

PROXIES = tuple(
    name
    for lower in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    for name in (lower, lower.upper())
)
TOKEN = "HF_TOKEN"
HANDED_ON = ("HF_ENDPOINT", "HF_HUB_OFFLINE")
"""Variables of ours that the container gets, where they are set. A proxy's may hold a password."""

OPTIONS = (
    "quantize",
    "dtype",
    "max_concurrent_requests",
    "max_stop_sequences",
    "max_input_tokens",
    "max_total_tokens",
    "max_batch_prefill_tokens",
    "max_batch_total_tokens",
)
"""Keys of the recipe that are flags of the launcher, with dashes."""


@dataclass(frozen=True)
class ServeRequest:
    """What is to be served, and for whom.

    `run` is the directory of the run, None for a server that is to stay. `digest` is the image's,
    as `NAME@sha256:...`, where run.json pins one.
    """

    model_id: str
    revision: str
    recipe: str
    model_folder: Path | None = None
    run: Path | None = None
    digest: str | None = None

    @property
    def owner(self) -> Owner:
        """`build` for the time of a run, `serve` until it is stopped."""
        return "serve" if self.run is None else "build"


@dataclass(frozen=True)
class BindMount:
    """A folder of this machine, and where it is in the container."""

    source: Path
    target: str
    read_only: bool


@dataclass(frozen=True)
class ContainerPlan:
    """One replica. `secrets` are environment variables that nothing but the container may see."""

    name: str
    image: Image
    command: tuple[str, ...]
    environment: Mapping[str, str]
    mounts: tuple[BindMount, ...]
    gpus: tuple[int, ...]
    port: int
    shm_bytes: int
    labels: Mapping[str, str]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def endpoint(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def fingerprint(self) -> str:
        """Equal for containers that serve the same in the same way, wherever they answer."""
        return self.labels[PLAN]

    @property
    def replica(self) -> str:
        """Its number among the replicas, as its label says it."""
        return self.labels[REPLICA]

    def describe(self) -> dict[str, object]:
        """All but the secrets, for people and for run.json."""
        return {
            "name": self.name,
            "image": self.image.reference,
            "command": list(self.command),
            "environment": dict(self.environment),
            "secrets": sorted(self.secrets),
            "mounts": [f"{m.source}:{m.target}{':ro' * m.read_only}" for m in self.mounts],
            "gpus": list(self.gpus),
            "endpoint": self.endpoint,
            "shm_bytes": self.shm_bytes,
        }


def scope() -> str:
    """Whose containers are ours: those of this user, or of MAGPIE_SCOPE where it is set.

    People who share an engine do not clear away each other's containers.
    """
    return os.environ.get("MAGPIE_SCOPE") or f"uid-{os.getuid()}"


def deal_out(gpus: Sequence[int], replicas: int) -> list[tuple[int, ...]]:
    """Divide GPUs evenly, neighbours together: they are linked the fastest.

    Raises `UsageError` where they cannot be divided. Without GPUs every replica gets none.
    """
    if len(gpus) % replicas:
        raise UsageError(
            f"{len(gpus)} GPUs ({', '.join(map(str, gpus))}) cannot be dealt out evenly to "
            f"{replicas} replicas",
            mend="Choose engine.gpus and engine.replicas so that one divides the other, such as "
            f"`--set engine.gpus={len(gpus) // replicas * replicas or replicas}`.",
        )
    share = len(gpus) // replicas
    return [tuple(gpus[i * share : (i + 1) * share]) for i in range(replicas)]


@dataclass(frozen=True)
class Place:
    """Where one replica stands: its number, its port, its GPUs, and the Hub's cache beside it."""

    replica: int
    port: int
    gpus: tuple[int, ...]
    cache: Path


def plan_replica(
    spec: TgiEngineSpec, request: ServeRequest, image: Image, place: Place
) -> ContainerPlan:
    """Plan one container. Raises `UsageError` where it has more shards than GPUs."""
    mounts, model = _model(request)
    mounts = (BindMount(place.cache, CACHE_INSIDE, read_only=False), *mounts)
    command = (*model, *_flags(spec, place.gpus))
    environment = {
        "HF_HOME": HOME_INSIDE,
        "HF_HUB_CACHE": CACHE_INSIDE,
        "HUGGINGFACE_HUB_CACHE": CACHE_INSIDE,
        **{name: os.environ[name] for name in HANDED_ON if os.environ.get(name)},
    }
    shm_bytes = int(spec.shm_gb * 2**30)
    shape = [
        image.id,
        command,
        environment,
        [(str(mount.source), mount.target) for mount in mounts],
        place.gpus,
        shm_bytes,
    ]
    labels = {
        OWNER: request.owner,
        RUN: str(request.run.absolute()) if request.run else "",
        RECIPE: request.recipe,
        PLAN: hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()[:16],
        REPLICA: str(place.replica),
        SCOPE: scope(),
    }
    return ContainerPlan(
        name=f"magpie-{request.recipe}-{place.replica}-{secrets.token_hex(3)}",
        image=image,
        command=command,
        environment=environment,
        mounts=mounts,
        gpus=place.gpus,
        port=place.port,
        shm_bytes=shm_bytes,
        labels=labels,
        secrets=secret_variables(),
    )


def _model(request: ServeRequest) -> tuple[tuple[BindMount, ...], tuple[str, ...]]:
    """What is mounted for the model, and the flags that name it."""
    if request.model_folder is None:
        return (), ("--model-id", request.model_id, "--revision", request.revision)
    folder, inside = request.model_folder.absolute(), PurePosixPath(MODEL_INSIDE)
    if folder.parent.name == "snapshots":  # of the Hub's cache: its files are links to ../../blobs
        inside = inside / "snapshots" / folder.name
        folder = folder.parent.parent
    return (BindMount(folder, MODEL_INSIDE, read_only=True),), ("--model-id", str(inside))


def _flags(spec: TgiEngineSpec, gpus: tuple[int, ...]) -> tuple[str, ...]:
    """The launcher's flags; what the recipe leaves out, the launcher chooses."""
    shards = spec.num_shard or len(gpus) or None
    if gpus and shards is not None and shards > len(gpus):
        raise UsageError(
            f"engine.num_shard is {shards}, and a replica gets {len(gpus)} GPUs",
            mend=f"Set engine.num_shard to {len(gpus)} or less, or engine.gpus to more.",
        )
    flags = [] if shards is None else ["--num-shard", str(shards)]
    for option in OPTIONS:
        value = getattr(spec, option)
        if value is not None:
            flags += [f"--{option.replace('_', '-')}", str(value)]
    flags += ["--hostname", "0.0.0.0", "--port", str(PORT_INSIDE), "--usage-stats", "off"]
    return (*flags, *spec.launcher)


def secret_variables() -> dict[str, str]:
    """The token of the Hub, and the proxies, which may hold a password."""
    from huggingface_hub import get_token

    found = {name: os.environ[name] for name in PROXIES if os.environ.get(name)}
    token = get_token()
    return found | ({TOKEN: token} if token else {})


def secret_values() -> tuple[str, ...]:
    """What no log may show: the token, and proxies with a password in them."""
    return tuple(
        value for name, value in secret_variables().items() if name == TOKEN or "@" in value
    )
