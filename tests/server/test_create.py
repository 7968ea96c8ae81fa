"""What each engine is asked for. That they do it, the tests of the whole life show."""

from pathlib import Path

from builder.server.create import docker_arguments, podman_document
from builder.server.image import Image
from builder.server.plan import BindMount, ContainerPlan


def plan(gpus=()):
    return ContainerPlan(
        name="magpie-air-0-abcdef",
        image=Image("tgi:3", "sha256:abc", None),
        command=("--model-id", "org/model"),
        environment={"HF_HOME": "/data"},
        mounts=(
            BindMount(Path("/hub"), "/data", read_only=False),
            BindMount(Path("/mine"), "/model", read_only=True),
        ),
        gpus=gpus,
        port=8081,
        shm_bytes=2**30,
        labels={"magpie.owner": "build"},
        secrets={"HF_TOKEN": "hf_secret"},
    )


def test_docker_gets_only_the_gpus_asked_for_and_a_port_of_this_machine():
    asked = docker_arguments(plan(gpus=(2, 3)))
    (request,) = asked["device_requests"]
    assert request == {
        "Driver": "",
        "Count": 0,
        "DeviceIDs": ["2", "3"],
        "Capabilities": [["gpu"]],
        "Options": {},
    }
    assert asked["ports"] == {"80/tcp": ("127.0.0.1", 8081)}
    assert asked["environment"] == {"HF_HOME": "/data", "HF_TOKEN": "hf_secret"}
    assert [mount["ReadOnly"] for mount in asked["mounts"]] == [False, True]
    assert docker_arguments(plan())["device_requests"] == []


def test_podman_gets_gpus_by_their_cdi_names():
    asked = podman_document(plan(gpus=(2, 3)))
    assert asked["devices"] == [{"path": "nvidia.com/gpu=2"}, {"path": "nvidia.com/gpu=3"}]
    assert asked["portmappings"] == [
        {"container_port": 80, "host_port": 8081, "host_ip": "127.0.0.1", "protocol": "tcp"}
    ]
    assert asked["env"] == {"HF_HOME": "/data", "HF_TOKEN": "hf_secret"}
    assert [mount["options"] for mount in asked["mounts"]] == [["rbind", "rw"], ["rbind", "ro"]]
    assert podman_document(plan())["devices"] == []
