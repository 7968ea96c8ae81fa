"""The image of a server: there already, or pulled."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from builder.errors import ServerError
from builder.server.client import ContainerEngine, engine_errors, explanation, raised

Tell = Callable[[str], None]
"""Says to people how far something has come, in a few words."""

MB = 10**6


@dataclass(frozen=True)
class Image:
    """An image that is here. `reference` is what it was asked for by, `id` its hash here.

    `digest` is `NAME@sha256:...`, by which anybody gets the very same; None for an image that
    was made or loaded here and is in no registry. `environment` is what it sets by itself.
    """

    reference: str
    id: str
    digest: str | None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def to_json(self) -> dict[str, object]:
        """As run.json keeps it."""
        return {"image": self.reference, "image_id": self.id, "digest": self.digest}


def ensure_image(
    engine: ContainerEngine, reference: str, tell: Tell, pinned: str | None = None
) -> Image:
    """Return the image, pulled where it is not here.

    `pinned` is the digest that an earlier start used; it is ignored where the recipe meanwhile
    names an image of another name. Raises `ServerError`.
    """
    wanted = reference
    if pinned is not None and repository(pinned) == repository(reference):
        wanted = pinned
    found = _here(engine, wanted)
    if found is None:
        _pull(engine, wanted, tell)
        found = _here(engine, wanted)
    if found is None:
        raise ServerError(
            f"the image {wanted} was pulled and is not there",
            mend="Look at `docker images`; then run the same command again.",
        )
    return Image(reference, str(found["Id"]), _digest(found, reference), _environment(found))


def _environment(found: Mapping[str, Any]) -> dict[str, str]:
    lines = (found.get("Config") or {}).get("Env") or ()
    return {name: value for name, _, value in (str(line).partition("=") for line in lines)}


def repository(reference: str) -> str:
    """The name of an image without its tag and digest: `ghcr.io/org/name`."""
    name = reference.split("@", maxsplit=1)[0]
    head, slash, last = name.rpartition("/")
    return head + slash + last.split(":")[0]


def _here(engine: ContainerEngine, reference: str) -> Mapping[str, Any] | None:
    from docker.errors import ImageNotFound

    with engine_errors(f"looking for the image {reference}"), contextlib.suppress(ImageNotFound):
        found: Mapping[str, Any] = engine.client.api.inspect_image(reference)
        return found
    return None


def _digest(found: Mapping[str, Any], reference: str) -> str | None:
    """The digest under the name that was asked for; an image may have others too."""
    name = repository(reference)
    for digest in found.get("RepoDigests") or ():
        known = repository(digest)
        if known == name or known.removeprefix("docker.io/").removeprefix("library/") == name:
            return str(digest)
    return None


def _pull(engine: ContainerEngine, reference: str, tell: Tell) -> None:
    tell(f"pulling {reference}")
    progress = PullProgress(reference)
    for event in _pull_events(engine, reference):
        if error := event.get("error"):
            raise pull_error(reference, str(error))
        tell(progress.add(event))


def _pull_events(engine: ContainerEngine, reference: str) -> Iterator[Mapping[str, Any]]:
    """What the engine tells of a pull. Closing the iterator ends the pull."""
    tag = None if "@" in reference or reference != repository(reference) else "latest"
    try:
        with contextlib.closing(
            engine.client.api.pull(reference, tag=tag, stream=True, decode=True)
        ) as events:
            yield from events
    except raised() as error:
        raise pull_error(reference, explanation(error)) from error


class PullProgress:
    """Adds up what an engine tells of the layers of an image."""

    def __init__(self, reference: str) -> None:
        self._reference = reference
        self._layers: set[str] = set()
        self._done: set[str] = set()
        self._bytes: dict[str, tuple[int, int]] = {}

    def add(self, event: Mapping[str, Any]) -> str:
        """Take an event in; return how far the pull has come."""
        layer, status = str(event.get("id", "")), str(event.get("status", ""))
        if layer and status in _LAYER_WORDS:
            self._layers.add(layer)
        if status in ("Pull complete", "Already exists"):
            self._done.add(layer)
        detail = event.get("progressDetail") or {}
        if status == "Downloading" and detail.get("total"):
            self._bytes[layer] = (int(detail.get("current", 0)), int(detail["total"]))
        elif status in ("Download complete", "Pull complete") and layer in self._bytes:
            total = self._bytes[layer][1]
            self._bytes[layer] = (total, total)
        return self.words()

    def words(self) -> str:
        """Such as `pulling NAME: 3 of 12 layers, 812 of 5,310 MB`."""
        if not self._layers:
            return f"pulling {self._reference}"
        words = f"pulling {self._reference}: {len(self._done)} of {len(self._layers)} layers"
        if not self._bytes:
            return words
        here = sum(current for current, _ in self._bytes.values())
        total = sum(total for _, total in self._bytes.values())
        return f"{words}, {here // MB:,} of {total // MB:,} MB"


_LAYER_WORDS = frozenset(
    (
        "Pulling fs layer",
        "Waiting",
        "Downloading",
        "Verifying Checksum",
        "Download complete",
        "Extracting",
        "Pull complete",
        "Already exists",
    )
)

_PULL_FAILURES = (
    (
        ("no space left",),
        "the disk is full",
        "Make room where the engine keeps its images (`docker info` shows where, `docker system "
        "df` what is there).",
    ),
    (
        ("toomanyrequests", "rate limit"),
        "the registry has had too many requests from here",
        "Wait, or log in: `docker login`.",
    ),
    (
        ("manifest unknown", "manifest for", "not found: manifest", "invalid reference"),
        "the registry has no such tag or digest",
        "Mend engine.image in the recipe, or `--set engine.image=NAME:TAG`.",
    ),
    (
        ("denied", "unauthorized", "authentication", "does not exist", "not found"),
        "the registry has no image of this name, or it needs a login",
        "Mend engine.image in the recipe, or log in: `docker login REGISTRY`.",
    ),
    (
        (
            "no such host",
            "dial tcp",
            "i/o timeout",
            "deadline exceeded",
            "connection refused",
            "network is unreachable",
            "tls handshake",
            "timed out",
            "server misbehaving",
            "connection reset",
        ),
        "the registry cannot be reached",
        "Connect to the network (the engine needs a proxy of its own, if there is one), or bring "
        "the image: `docker save` there, `docker load` here.",
    ),
)
"""What the text may hold, what it means, and the mend; the first that fits."""


def pull_error(reference: str, text: str) -> ServerError:
    """What a failed pull means, in plain words."""
    low = text.lower()
    for marks, reason, mend in _PULL_FAILURES:
        if any(mark in low for mark in marks):
            return ServerError(
                f"the image {reference} cannot be pulled: {reason} ({text})", mend=mend
            )
    return ServerError(
        f"the image {reference} cannot be pulled: {text}", mend="Try again, or `docker pull` it."
    )
