"""The NVIDIA GPUs of this machine, and whether a container can be given them."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from builder.errors import ServerError
from builder.recipe.engine_spec import TgiEngineSpec
from builder.server.needs.finding import Finding, size

QUERY: Final = "index,name,memory.total,memory.free,driver_version"
MIB: Final = 2**20
"""nvidia-smi counts memory in MiB."""

SMI_SECONDS: Final = 20.0
"""How long nvidia-smi may take: without persistence mode it wakes each GPU first."""

CPU_TAGS: Final = ("-intel-cpu", "-cpu")
"""How the tags of images end that are made for CPUs (TGI's documentation, "Intel CPU")."""

CDI_FOLDERS: Final = ("/etc/cdi", "/var/run/cdi")
"""Where container engines look for descriptions of devices (CDI specification)."""

_HOOKS: Final = ("nvidia-container-runtime-hook", "nvidia-container-toolkit")
_ELSEWHERE: Final = (
    "use servers that run elsewhere (`--endpoint URL`), or rehearse without a model "
    "(`--engine scripted`)"
)
_MISMATCH: Final = re.compile(r"driver/library version mismatch", re.IGNORECASE)
_TOOLKIT: Final = (
    "Install the NVIDIA Container Toolkit, then: `sudo nvidia-ctk runtime configure` and "
    "`sudo systemctl restart docker`"
)


class GpuError(ServerError):
    """No GPU can be used here: the message says what nvidia-smi said of it."""


@dataclass(frozen=True)
class Gpu:
    """One GPU. `free_bytes` is what no process holds now; memory is 0 where it is not told."""

    index: int
    name: str
    memory_bytes: int
    free_bytes: int
    driver: str


def machine_gpus() -> tuple[Gpu, ...]:
    """Return the GPUs that the driver sees, by index. Raises `GpuError` where there are none."""
    command = ["nvidia-smi", f"--query-gpu={QUERY}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SMI_SECONDS, check=False
        )
    except FileNotFoundError:
        raise GpuError(
            "nvidia-smi is not there: no NVIDIA driver is installed",
            mend=f"Build on a machine with NVIDIA GPUs, {_ELSEWHERE}",
        ) from None
    except subprocess.TimeoutExpired:
        raise GpuError(
            f"nvidia-smi gave no answer in {SMI_SECONDS:.0f} s",
            mend="A GPU hangs: see `dmesg | grep -i nvrm`, then reboot",
        ) from None
    except OSError as error:
        raise GpuError(
            f"nvidia-smi cannot be run: {error.strerror}", mend="Install the NVIDIA driver anew"
        ) from None
    said = f"{done.stdout.strip()}\n{done.stderr.strip()}".strip()
    if done.returncode or "No devices were found" in said:
        raise _refusal(said, done.returncode)
    rows = [row for row in csv.reader(done.stdout.splitlines()) if _is_gpu(row)]
    if not rows:
        raise _refusal(said, done.returncode)
    return tuple(map(_gpu, rows))


def _refusal(said: str, status: int) -> GpuError:
    """From what nvidia-smi printed to what it means."""
    seen = said.splitlines()[0].rstrip(".") if said else f"it ended with status {status}"
    if "No devices were found" in said:
        return GpuError(
            "the NVIDIA driver runs, and sees no GPU",
            mend=f"See `lspci | grep -i nvidia` and `dmesg | grep -i nvrm`; or {_ELSEWHERE}",
        )
    if _MISMATCH.search(said):
        return GpuError(
            "the NVIDIA driver was updated while the old one is still loaded "
            "(driver/library version mismatch)",
            mend="Reboot, so that the new one is loaded",
        )
    if "couldn't communicate with the NVIDIA driver" in said:
        return GpuError(
            "nvidia-smi cannot reach the NVIDIA driver: it is not loaded",
            mend="Install the driver for this kernel and reboot, or: `sudo modprobe nvidia`",
        )
    return GpuError(f"nvidia-smi failed: {seen}", mend="Run `nvidia-smi` and mend what it says")


def _is_gpu(row: list[str]) -> bool:
    """Tell whether a line is about a GPU: one that is lost, or a warning, has a line of prose."""
    return len(row) >= len(QUERY.split(",")) and row[0].strip().isdigit()


def _gpu(row: list[str]) -> Gpu:
    index, *name, total, free, driver = (field.strip() for field in row)
    return Gpu(int(index), ", ".join(name), _bytes(total), _bytes(free), driver)


def _bytes(mib: str) -> int:
    """Bytes of a field in MiB; 0 for `[N/A]` and the like."""
    return int(mib) * MIB if mib.isdigit() else 0


def needs_gpus(spec: TgiEngineSpec, image_env: Mapping[str, str] | None) -> bool:
    """Tell whether the containers of a recipe need NVIDIA GPUs.

    `image_env` is the environment of the image, None while it is not on this machine. NVIDIA's
    CUDA images, and all that are made from them, ask there for devices (NVIDIA Container Toolkit,
    "Environment variables").
    """
    if spec.gpus is not None:
        return bool(spec.gpus)
    if image_env is None:
        return not spec.image.partition("@")[0].endswith(CPU_TAGS)
    wanted = image_env.get("NVIDIA_VISIBLE_DEVICES", "")
    return wanted not in ("", "void", "none") or "NVIDIA_REQUIRE_CUDA" in image_env


def without_gpus(spec: TgiEngineSpec, image_env: Mapping[str, str] | None) -> Finding:
    """Say aloud why no GPU is used, where `needs_gpus` says that none is needed."""
    if spec.gpus is not None:
        why = "engine.gpus says so"
    elif image_env is not None:
        why = f"{spec.image} asks for no NVIDIA device"
    else:
        why = f"{spec.image} is made for CPUs"
    return Finding("GPUs", fine=True, found=f"none used: {why}")


def seen(gpus: tuple[Gpu, ...]) -> Finding:
    """Say which GPUs there are, kinds together: `4 x NVIDIA L4 (24.2 GB each), driver 550.54`."""
    kinds: dict[tuple[str, int], int] = {}
    for gpu in gpus:
        kinds[gpu.name, gpu.memory_bytes] = kinds.get((gpu.name, gpu.memory_bytes), 0) + 1
    parts = [
        f"{count} x {name} ({size(memory)} each)" if memory else f"{count} x {name}"
        for (name, memory), count in kinds.items()
    ]
    return Finding("GPUs", fine=True, found=f"{', '.join(parts)}, driver {gpus[0].driver}")


def container_support(info: Mapping[str, Any], podman: bool) -> Finding:
    """Say whether the engine can give its containers GPUs. `info` is its answer to `docker info`.

    Docker takes NVIDIA's hook, its runtime or CDI; Podman takes CDI.
    """
    described = _described(info.get("CDISpecDirs") or CDI_FOLDERS)
    if described:
        return Finding("GPU runtime", fine=True, found=f"described in {described}")
    if podman:
        found = f"no file in {' or '.join(CDI_FOLDERS)} describes the GPUs to Podman"
        mend = (
            "Install the NVIDIA Container Toolkit, then: "
            "`sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml`"
        )
        return Finding("GPU runtime", fine=False, found=found, mend=mend)
    if "nvidia" in (info.get("Runtimes") or {}):
        return Finding("GPU runtime", fine=True, found="the engine knows the runtime nvidia")
    hook = next((path for path in map(shutil.which, _HOOKS) if path), None)
    if hook:
        return Finding("GPU runtime", fine=True, found=hook)
    known = ", ".join(sorted(info.get("Runtimes") or {})) or "none"
    found = f"the engine cannot give containers a GPU: no runtime nvidia (it knows {known})"
    return Finding("GPU runtime", fine=False, found=found, mend=_TOOLKIT)


def _described(folders: Any) -> str:
    """Return the first file of these folders that describes NVIDIA GPUs, '' if there is none."""
    files = (path for folder in folders for path in sorted(Path(folder).glob("*nvidia*")))
    return next((str(path) for path in files if path.suffix in (".yaml", ".yml", ".json")), "")
