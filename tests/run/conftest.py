import subprocess
import sys
from pathlib import Path

import pytest

import builder

ROOT = Path(builder.__file__).parents[1]


@pytest.fixture
def process():
    """Starts Python code in a process of its own, with pipes; ends it after the test."""
    started = []

    def start(code, *arguments):
        call = [sys.executable, "-c", code, *map(str, arguments)]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        started.append(subprocess.Popen(call, text=True, cwd=ROOT, **pipes))
        return started[-1]

    yield start
    for child in started:
        child.kill()
        child.communicate()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    call = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]
    if subprocess.run(call, check=False, capture_output=True).returncode:
        pytest.skip("no right to mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
