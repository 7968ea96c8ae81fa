"""A small image that speaks TGI's protocol, made offline from what runs here.

    python -m tests.server.image [NAME:TAG]      makes it, and prints its name

This Python, the shared libraries that it loads, some packages, this checkout's demo model and
`tests/servers`: put in a tar at the paths that they have here, and imported as an image whose entry
point takes the launcher's flags. Its tag is a hash of what is in it, so it is made anew only when
that changed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from importlib import metadata
from importlib.util import cache_from_source
from pathlib import Path

import builder
from builder.server.client import ContainerEngine, connected

ROOT = Path(builder.__file__).resolve().parents[1]
NAME = "magpie-test-tgi"
CODE, PACKAGES = "/opt/magpie", "/opt/packages"
"""Where this checkout and the packages are inside."""

DISTRIBUTIONS = ("aiohttp", "tokenizers", "xllamacpp")
NEVER_LOADED = frozenset(("huggingface-hub", "huggingface_hub"))
CHECKOUT = (
    "builder/__init__.py",
    "builder/demo_model/*",
    "builder/engines/__init__.py",
    "builder/engines/llama_child.py",
    "tests/servers/**/*",
)
"""All that the server imports: the less, the seldomer is the image made anew."""
NOT_NEEDED = frozenset(
    ("__pycache__", "test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3")
)
"""Folders of the standard library that stay out, with its site-packages."""

OLD_SECONDS = 24 * 3600
"""After this an image of an earlier state of the checkout is removed."""


def base_image(engine: ContainerEngine) -> str:
    """The name of the image of this checkout, made where it is not there."""
    name = f"{NAME}:{_content_hash()}"
    with _one_at_a_time():
        if not engine.client.images.list(name):
            _remove_old(engine)
            _import(engine, name)
    return name


def variant(engine: ContainerEngine, base: str, environment: Mapping[str, str]) -> str:
    """An image that is the same but for its environment, such as MAGPIE_TEST_DEATH."""
    lines = "".join(f'ENV {key}="{value}"\n' for key, value in sorted(environment.items()))
    name = f"{base}-{hashlib.sha256(lines.encode()).hexdigest()[:8]}"
    with _one_at_a_time():
        if not engine.client.images.list(name):
            file = io.BytesIO(f"FROM {base}\n{lines}".encode())
            engine.client.images.build(fileobj=file, tag=name, rm=True)
    return name


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Parallel test processes must not make the same image twice."""
    with (Path(tempfile.gettempdir()) / f"{NAME}-{os.getuid()}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _import(engine: ContainerEngine, name: str) -> None:
    repository, tag = name.split(":")
    with tempfile.NamedTemporaryFile(suffix=".tar") as file:
        with tarfile.open(fileobj=file, mode="w", dereference=True) as tar:
            for source, target in sorted(_content().items(), key=lambda pair: pair[1]):
                tar.add(source, target, recursive=False)
            _add_folder(tar, "tmp", 0o1777)
            _add_folder(tar, "data", 0o755)
        file.flush()
        engine.client.api.timeout = 300
        said = engine.client.api.import_image_from_file(
            file.name, repository=repository, tag=tag, changes=_changes()
        )
    if engine.podman:  # it takes `latest` for the tag
        made = json.loads(said.splitlines()[-1])["status"]
        engine.client.images.get(made).tag(repository, tag)


def _changes() -> list[str]:
    python = Path(sys.executable).resolve()
    return [
        f"ENV PYTHONPATH={CODE}:{PACKAGES}",
        "ENV PYTHONDONTWRITEBYTECODE=1",
        "ENV PYTHONUNBUFFERED=1",
        "ENV HF_HOME=/data",
        f"WORKDIR {CODE}",
        "EXPOSE 80",
        f'ENTRYPOINT ["{python}", "-m", "tests.servers.tgi"]',
    ]


def _add_folder(tar: tarfile.TarFile, name: str, mode: int) -> None:
    folder = tarfile.TarInfo(name)
    folder.type, folder.mode = tarfile.DIRTYPE, mode
    tar.addfile(folder)


def _content() -> dict[Path, str]:
    """File here -> path inside, without the first slash."""
    python = Path(sys.executable).resolve()
    files = {python: str(python)}
    files |= {path: str(path) for path in _standard_library()}
    files |= _packages() | _checkout()
    files |= {library: str(library) for library in _libraries(files)}
    files |= _compiled(files)
    return {path: target.lstrip("/") for path, target in files.items()}


def _standard_library() -> Iterator[Path]:
    for folder in {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}:
        for path in _files(Path(folder)):
            inside = path.relative_to(folder).parts
            left_out = inside[0] in ("site-packages", "dist-packages") or "config-" in inside[0]
            if not left_out and not NOT_NEEDED & set(inside):
                yield path


def _packages() -> dict[Path, str]:
    """The distributions with all that they need."""
    files: dict[Path, str] = {}
    wanted, seen = list(DISTRIBUTIONS), set[str]()
    while wanted:
        name = re.split(r"[^\w.-]", wanted.pop())[0]
        if name in seen | NEVER_LOADED:
            continue
        seen.add(name)
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # for another platform or Python
            continue
        wanted += [need for need in distribution.requires or () if "extra ==" not in need]
        for file in distribution.files or ():
            path = Path(str(distribution.locate_file(file)))
            if path.suffix != ".pyc" and ".." not in file.parts and path.is_file():
                files[path] = f"{PACKAGES}/{file}"
    return files


def _checkout() -> dict[Path, str]:
    files = {}
    for pattern in CHECKOUT:
        for path in ROOT.glob(pattern):
            if path.is_file() and "__pycache__" not in path.parts:
                files[path] = f"{CODE}/{path.relative_to(ROOT)}"
    return files


def _compiled(files: Mapping[Path, str]) -> dict[Path, str]:
    """What Python has compiled here: to do it anew would take each start some seconds."""
    found = {}
    for path, target in files.items():
        if path.suffix == ".py":
            cached = Path(cache_from_source(str(path)))
            if cached.is_file():
                found[cached] = f"{Path(target).parent}/__pycache__/{cached.name}"
    return found


def _libraries(files: Mapping[Path, str]) -> set[Path]:
    """Shared libraries that lie elsewhere, the loader among them, by their names as linked."""
    binaries = [str(path) for path in files if ".so" in path.name or path.parent.name == "bin"]
    listing = subprocess.run(["ldd", *binaries], capture_output=True, text=True, check=False)
    found = re.findall(r"(?:=> |^\s+)(/\S+) \(0x", listing.stdout, re.MULTILINE)
    return {Path(name) for name in found if Path(name) not in files}


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _content_hash() -> str:
    """Of the checkout's part by content, of the rest by name and version."""
    digest = hashlib.sha256(f"{sys.version} {sys.executable}".encode())
    digest.update(Path(__file__).read_bytes())
    for name in DISTRIBUTIONS:
        digest.update(metadata.version(name).encode())
    for path, target in sorted(_checkout().items(), key=lambda pair: pair[1]):
        digest.update(target.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _remove_old(engine: ContainerEngine) -> None:
    from docker.errors import APIError

    for image in engine.client.images.list(NAME):
        with contextlib.suppress(APIError):  # in use, or gone
            made = time.mktime(time.strptime(image.attrs["Created"][:19], "%Y-%m-%dT%H:%M:%S"))
            if time.time() - made > OLD_SECONDS:
                for tag in image.tags:
                    engine.client.images.remove(tag)


def main(arguments: list[str]) -> int:
    """Make the image, give it another name where one is told, and print it."""
    with connected() as engine:
        name = base_image(engine)
        if arguments:
            repository, _, tag = arguments[0].partition(":")
            engine.client.images.get(name).tag(repository, tag or "latest")
            name = arguments[0]
    print(name)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
