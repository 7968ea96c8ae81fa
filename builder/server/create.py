"""A plan in the words of the engine that makes the container: Docker's, or Podman's own.

Podman also takes Docker's words, but leaves out the GPUs in them (seen with 4.3), so it is asked in
its own.
"""

from __future__ import annotations

from typing import Any

from builder.server.client import ContainerEngine
from builder.server.plan import PORT_INSIDE, ContainerPlan

LOG_MB, LOG_FILES = 50, 2
"""What Docker keeps of the log of a container; the run's server.log has it all."""

LIBPOD = "/v4.0.0/libpod/containers/create"
"""Podman's own way to make a container; 4.1 is the first that takes CDI names there."""


def create(engine: ContainerEngine, plan: ContainerPlan) -> str:
    """Make a container and return its id. Raises what docker-py does."""
    if not engine.podman:
        return str(engine.client.containers.create(**docker_arguments(plan)).id)
    api = engine.client.api
    answer = api.post(api.base_url + LIBPOD, json=podman_document(plan), timeout=api.timeout)
    api._raise_for_status(answer)
    return str(answer.json()["Id"])


def docker_arguments(plan: ContainerPlan) -> dict[str, Any]:
    """As docker-py takes them."""
    from docker.types import DeviceRequest, LogConfig, Mount

    limits = {"max-size": f"{LOG_MB}m", "max-file": str(LOG_FILES)}
    gpus = [str(gpu) for gpu in plan.gpus]
    return {
        "image": plan.image.id,
        "command": list(plan.command),
        "name": plan.name,
        "environment": {**plan.environment, **plan.secrets},
        "labels": dict(plan.labels),
        "ports": {f"{PORT_INSIDE}/tcp": ("127.0.0.1", plan.port)},
        "shm_size": plan.shm_bytes,
        "mounts": [
            Mount(mount.target, str(mount.source), type="bind", read_only=mount.read_only)
            for mount in plan.mounts
        ],
        "log_config": LogConfig(type=LogConfig.types.JSON, config=limits),
        "device_requests": [DeviceRequest(device_ids=gpus, capabilities=[["gpu"]])] * bool(gpus),
    }


def podman_document(plan: ContainerPlan) -> dict[str, Any]:
    """As libpod takes it. GPUs go by their CDI names; SELinux would keep the mounts away."""
    return {
        "image": plan.image.id,
        "command": list(plan.command),
        "name": plan.name,
        "env": {**plan.environment, **plan.secrets},
        "labels": dict(plan.labels),
        "portmappings": [
            {
                "container_port": PORT_INSIDE,
                "host_port": plan.port,
                "host_ip": "127.0.0.1",
                "protocol": "tcp",
            }
        ],
        "shm_size": plan.shm_bytes,
        "mounts": [
            {
                "destination": mount.target,
                "source": str(mount.source),
                "type": "bind",
                "options": ["rbind", "ro" if mount.read_only else "rw"],
            }
            for mount in plan.mounts
        ],
        "devices": [{"path": f"nvidia.com/gpu={gpu}"} for gpu in plan.gpus],
        "selinux_opts": ["disable"],
    }
