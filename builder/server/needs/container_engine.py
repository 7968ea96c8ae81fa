"""The container engine as the checks see it: whether it answers, and what it has and knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.errors import MissingExtraError, ServerError
from builder.server.client import ContainerEngine, connected, engine_errors
from builder.server.needs.finding import Finding

CONTAINER_ENGINE = "container engine"


@dataclass(frozen=True)
class EngineView:
    """What the container engine told of itself and of an image.

    `info` is what `docker info` shows, empty when it did not answer. `image_env` is the
    environment of the image, None while the image is not there.
    """

    finding: Finding
    podman: bool = False
    info: Mapping[str, Any] = field(default_factory=dict)
    image_env: Mapping[str, str] | None = None

    @property
    def root(self) -> Path | None:
        """The folder that holds its images; None where it did not tell."""
        told = self.info.get("DockerRootDir")
        return Path(told) if told else None


def look_at_engine(image: str) -> EngineView:
    """Ask the container engine about itself and an image. Never raises for what it finds."""
    try:
        with connected() as engine, engine_errors("telling of itself"):
            info = engine.client.info()
            env = _image_env(engine, image)
    except (ServerError, MissingExtraError) as error:
        return EngineView(Finding(CONTAINER_ENGINE, False, error.message, error.mend))
    name = "Podman" if engine.podman else "Docker"
    state = "is there" if env is not None else "is to be pulled"
    found = f"{name} {engine.version} at {engine.address}; {image} {state}"
    return EngineView(Finding(CONTAINER_ENGINE, True, found), engine.podman, info, env)


def _image_env(engine: ContainerEngine, image: str) -> dict[str, str] | None:
    from docker.errors import ImageNotFound

    try:
        config = engine.client.api.inspect_image(image).get("Config") or {}
    except ImageNotFound:
        return None
    pairs = (item.partition("=") for item in config.get("Env") or ())
    return {name: value for name, _, value in pairs}
