"""What TGI's launcher says while it starts: plain lines, or JSON with `--json-output`.

The sentences are those of launcher/src/main.rs, of backends/v3/src/lib.rs and of the Python
server's utils/hub.py and utils/convert.py, of TGI 2 and 3.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_HEAD = re.compile(
    r"^\S+Z\s+(?:TRACE|DEBUG|INFO|WARN|ERROR)\s+(?:[a-z][a-z0-9_-]*(?:::\w+)*: )*(?:\S+\.rs:\d+: )?"
)
"""Time, level, spans and module (all in small letters), file and line."""
_A_REQUEST = re.compile(r"\bSuccess\b.*total_time|total_time.*\bSuccess\b")

STARTING = "starting"


@dataclass(frozen=True)
class Step:
    """How far a launcher has come: `phase` fits after "while", `detail` says more or nothing."""

    phase: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.phase}: {self.detail}" if self.detail else self.phase


_STEPS = (
    (r"Starting check and download process", "checking the weights", ""),
    (r"Download: \[(\d+)/(\d+)\](?: -- ETA: (\S+?)(?:\.\d+)?(?=\s|$))?", "downloading weights", ""),
    (r"Download file: (\S+)", "downloading weights", r"\1"),
    (r"Convert: \[(\d+)/(\d+)\]", "converting weights", r"\1 of \2 files"),
    (r"Successfully downloaded weights|already present on the host", "checking the weights", ""),
    (r"Starting shard|Waiting for shard", "loading weights", ""),
    (r"Shard ready in (\S+)", "loading weights", r"a shard is ready after \1"),
    (r"Starting Webserver", "starting its web server", ""),
    (r"Warming up model", "warming up", ""),
    (r"Setting max batch total tokens to (\d+)", "warming up", r"room for \1 tokens in a batch"),
    (r"\bConnected\b", "warming up", "connected"),
)


def step_of(line: str) -> Step | None:
    """How far the launcher has come by what a line says; None when it says nothing of that."""
    text = plain(line)
    for pattern, phase, detail in _STEPS:
        if found := re.search(pattern, text):
            if phase == "downloading weights" and not detail:
                left = f", {found[3]} left" if found[3] else ""
                return Step(phase, f"{found[1]} of {found[2]} files{left}")
            return Step(phase, found.expand(detail))
    return None


def plain(line: str) -> str:
    """The words of a line, without time, level, place and colour."""
    text = _COLOUR.sub("", line).strip()
    if text.startswith("{"):
        try:
            record = json.loads(text)
        except ValueError:
            return text
        message = record.get("fields", {}).get("message") or record.get("message")
        return str(message).strip() if message else text
    return _HEAD.sub("", text)


def tells_of_a_request(line: str) -> bool:
    """Whether the line was written for one answered request; a million of them fill a disk."""
    return _A_REQUEST.search(line) is not None
