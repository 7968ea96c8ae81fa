"""Terminal sessions in documentation: played for real, and compared or written anew.

A session is a fenced block marked `console`: lines that begin with `$ ` are commands, what follows
is what they print on stdout. A block marked `sh` is not played.

    python -m tests.house.session README.md     writes the outputs of its sessions anew
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"```console\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Step:
    command: str
    printed: str


def steps(block: str) -> list[Step]:
    """The commands of a session with what they print, without trailing blanks."""
    found = []
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, printed = part.partition("\n")
        found.append(Step(command, tidy(printed)))
    return found


def play(command: str, folder: Path) -> str:
    """Run a command of a session, as a person in `folder` with 80 columns would."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "80",
        "HF_HOME": str(folder / ".hf"),
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return tidy(done.stdout)


def tidy(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def written(block: str, folder: Path) -> str:
    """The session with real output."""
    parts = [f"$ {step.command}\n{play(step.command, folder)}".rstrip() for step in steps(block)]
    return "\n".join(parts) + "\n"


def main() -> None:
    """Write the sessions of a file anew."""
    path = Path(sys.argv[1])
    text = path.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        text = FENCE.sub(lambda found: f"```console\n{written(found[1], Path(folder))}```", text)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
