"""The GPUs of a machine, as nvidia-smi tells of them: a script on PATH prints its real texts."""

import json
import os
from pathlib import Path

import pytest

from builder.recipe.engine_spec import TgiEngineSpec
from builder.server.needs.gpus import (
    Gpu,
    GpuError,
    container_support,
    machine_gpus,
    needs_gpus,
    seen,
    without_gpus,
)

MIB = 2**20
RUNC = {"Runtimes": {"runc": {}}, "CDISpecDirs": ["/nowhere"]}


@pytest.fixture
def smi(tmp_path, monkeypatch):
    """Put an `nvidia-smi` on PATH that prints `out` and ends with `status`."""

    def put(out: str, status: int = 0) -> None:
        tool = tmp_path / "bin" / "nvidia-smi"
        tool.parent.mkdir(exist_ok=True)
        (tmp_path / "out").write_text(out, encoding="utf-8")
        tool.write_text(
            f'#!/bin/sh\necho "$@" > {tmp_path}/asked\ncat {tmp_path}/out\nexit {status}\n'
        )
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")

    return put


def test_gpus_are_read_with_their_memory(smi, tmp_path):
    smi(
        "0, NVIDIA A100-SXM4-80GB, 81920, 81050, 550.54.15\n1, NVIDIA L4, 23034, 22491, 550.54.15\n"
    )

    assert machine_gpus() == (
        Gpu(0, "NVIDIA A100-SXM4-80GB", 81920 * MIB, 81050 * MIB, "550.54.15"),
        Gpu(1, "NVIDIA L4", 23034 * MIB, 22491 * MIB, "550.54.15"),
    )
    assert (tmp_path / "asked").read_text() == (
        "--query-gpu=index,name,memory.total,memory.free,driver_version "
        "--format=csv,noheader,nounits\n"
    )


def test_memory_that_is_not_told_is_nought(smi):
    smi("0, NVIDIA GB10, [N/A], [N/A], 580.95.05\n")

    assert machine_gpus() == (Gpu(0, "NVIDIA GB10", 0, 0, "580.95.05"),)
    assert seen(machine_gpus()).found == "1 x NVIDIA GB10, driver 580.95.05"


def test_a_gpu_that_is_lost_hides_no_other(smi):
    smi("Unable to determine the device handle for GPU1: Unknown Error\n0, L4, 100, 90, 550\n")

    assert machine_gpus() == (Gpu(0, "L4", 100 * MIB, 90 * MIB, "550"),)


def test_kinds_are_counted():
    gpus = tuple(Gpu(i, "NVIDIA H100 80GB HBM3", 81559 * MIB, 0, "550.90") for i in range(4))

    assert seen(gpus).found == "4 x NVIDIA H100 80GB HBM3 (85.5 GB each), driver 550.90"


ELSEWHERE = (
    "use servers that run elsewhere (`--endpoint URL`), or rehearse without a model "
    "(`--engine scripted`)"
)


@pytest.mark.parametrize(
    ("out", "status", "message", "mend"),
    [
        (
            "No devices were found\n",
            6,
            "the NVIDIA driver runs, and sees no GPU",
            f"See `lspci | grep -i nvidia` and `dmesg | grep -i nvrm`; or {ELSEWHERE}",
        ),
        (
            "Failed to initialize NVML: Driver/library version mismatch\n"
            "NVML library version: 535.183\n",
            18,
            "the NVIDIA driver was updated while the old one is still loaded "
            "(driver/library version mismatch)",
            "Reboot, so that the new one is loaded",
        ),
        (
            "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. "
            "Make sure that the latest NVIDIA driver is installed and running.\n\n",
            9,
            "nvidia-smi cannot reach the NVIDIA driver: it is not loaded",
            "Install the driver for this kernel and reboot, or: `sudo modprobe nvidia`",
        ),
        (
            "Unable to determine the device handle for GPU0000:65:00.0: Unknown Error\n",
            255,
            "nvidia-smi failed: Unable to determine the device handle for GPU0000:65:00.0: "
            "Unknown Error",
            "Run `nvidia-smi` and mend what it says",
        ),
        (
            "",
            3,
            "nvidia-smi failed: it ended with status 3",
            "Run `nvidia-smi` and mend what it says",
        ),
    ],
)
def test_what_nvidia_smi_says_is_told_apart(out, status, message, mend, smi):
    smi(out, status)

    with pytest.raises(GpuError) as error:
        machine_gpus()
    assert (error.value.message, error.value.mend) == (message, mend)


def test_without_a_driver_there_is_no_nvidia_smi(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(GpuError) as error:
        machine_gpus()
    assert str(error.value) == (
        "nvidia-smi is not there: no NVIDIA driver is installed\n"
        f"Build on a machine with NVIDIA GPUs, {ELSEWHERE}"
    )


CUDA = {"NVIDIA_VISIBLE_DEVICES": "all", "NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}


@pytest.mark.parametrize(
    ("options", "env", "needed"),
    [
        ({}, None, True),
        ({"gpus": 0}, CUDA, False),
        ({"gpus": 2}, {}, True),
        ({}, CUDA, True),
        ({}, {"NVIDIA_REQUIRE_CUDA": "cuda>=12.4"}, True),
        ({}, {"NVIDIA_VISIBLE_DEVICES": "void"}, False),
        ({}, {"PATH": "/bin"}, False),
        ({"image": "ghcr.io/huggingface/text-generation-inference:3.3.5-intel-cpu"}, None, False),
        ({"image": "tgi:3-cpu@sha256:00"}, None, False),
        ({"image": "tgi:3-rocm"}, None, True),
    ],
)
def test_whether_gpus_are_needed(options, env, needed):
    assert needs_gpus(TgiEngineSpec(kind="tgi", **options), env) is needed


@pytest.mark.parametrize(
    ("options", "env", "why"),
    [
        ({"gpus": 0}, None, "none used: engine.gpus says so"),
        ({"image": "tiny:1"}, {}, "none used: tiny:1 asks for no NVIDIA device"),
        ({"image": "tiny:1-cpu"}, None, "none used: tiny:1-cpu is made for CPUs"),
    ],
)
def test_it_is_said_aloud_that_no_gpu_is_used(options, env, why):
    finding = without_gpus(TgiEngineSpec(kind="tgi", **options), env)

    assert (finding.fine, finding.found) == (True, why)


def test_an_engine_that_knows_no_gpu(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    docker, podman = (container_support(RUNC, podman=podman) for podman in (False, True))

    assert str(docker) == (
        "GPU runtime: the engine cannot give containers a GPU: no runtime nvidia (it knows runc). "
        "Install the NVIDIA Container Toolkit, then: `sudo nvidia-ctk runtime configure` and "
        "`sudo systemctl restart docker`"
    )
    assert str(podman) == (
        "GPU runtime: no file in /etc/cdi or /var/run/cdi describes the GPUs to Podman. Install "
        "the NVIDIA Container Toolkit, then: "
        "`sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml`"
    )


def test_an_engine_that_knows_gpus(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    by_runtime = container_support({**RUNC, "Runtimes": {"nvidia": {}}}, podman=False)
    hook = Path(tmp_path / "nvidia-container-runtime-hook")
    hook.touch(0o755)
    by_hook = container_support(RUNC, podman=False)
    spec = tmp_path / "nvidia.json"
    spec.write_text(json.dumps({"kind": "nvidia.com/gpu"}))
    by_cdi = container_support({"CDISpecDirs": [str(tmp_path)]}, podman=True)

    assert [(one.fine, one.found) for one in (by_runtime, by_hook, by_cdi)] == [
        (True, "the engine knows the runtime nvidia"),
        (True, str(hook)),
        (True, f"described in {spec}"),
    ]
