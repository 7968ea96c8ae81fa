"""Follows the log of a container: into a file, without secrets, and its last lines in memory."""

from __future__ import annotations

import calendar
import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.errors import ServerError, StorageError
from builder.run.storage import storage_error
from builder.server.client import ContainerEngine, engine_errors
from builder.server.launcher_log import STARTING, Step, step_of, tells_of_a_request

KEPT_LINES = 200
"""Lines kept in memory: a Python traceback is among a launcher's last ones."""

AGAIN_SECONDS = 0.5
"""Pause before a log that ended is asked for again."""

HIDDEN = "(hidden)"
SHORTEST_SECRET = 4
"""Characters. To hide every "1" of a log would help nobody."""


@dataclass(frozen=True)
class LogOut:
    """Where a log goes: to `path`, each line with `name` before it, and without `secrets`.

    `after` is the time (seconds since 1970) up to which the file has it already.
    """

    name: str
    path: Path | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)
    after: float | None = None


class LogFollower:
    """A thread that reads a container's log.

    `step` is how far the launcher has come. A container that is started again goes on in the
    same log. `stop` ends the thread.
    """

    def __init__(self, engine: ContainerEngine, container: str, out: LogOut) -> None:
        self.step = Step(STARTING)
        self.error: StorageError | None = None
        self._engine, self._container, self._out = engine, container, out
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._seen = ""  # the time of the last line, as the engine writes it
        self._stream: Any = None
        self._stopped = threading.Event()
        self._caught_up = threading.Event()  # read to its end
        self._thread = threading.Thread(target=self._follow, name=f"log {out.name}", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def lines(self) -> tuple[str, ...]:
        """The last lines, oldest first."""
        return tuple(self._lines)

    def last_lines(self, seconds: float = 3.0) -> tuple[str, ...]:
        """The last lines of a container that ended, once they are all read."""
        self._caught_up.clear()  # the next time that the log ends, it ended after the container
        self._caught_up.wait(seconds)
        return self.lines()

    def began_again(self) -> None:
        """Forget how far the launcher had come: it was started anew."""
        self.step = Step(STARTING)
        self._lines.clear()

    def stop(self, seconds: float = 3.0) -> None:
        """End the thread; what was not read by then stays unread."""
        self._stopped.set()
        stream = self._stream
        if stream is not None:
            with contextlib.suppress(OSError, AttributeError, ValueError):
                stream.close()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _follow(self) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(ServerError), self._file() as file:
                for moment, line in self._read():
                    self._take(moment, line, file)
            self._caught_up.set()
            self._stopped.wait(AGAIN_SECONDS)

    @contextlib.contextmanager
    def _file(self) -> Iterator[Any]:
        """The file, opened anew with each connection; a full disk ends the file, not the server."""
        path = self._out.path
        if path is None or self.error is not None:
            yield None
            return
        try:
            with path.open("a", encoding="utf-8", buffering=1) as file:
                yield file
        except OSError as error:
            self.error = storage_error(error, path)

    def _read(self) -> Iterator[tuple[str, str]]:
        """Lines with the times that the engine gave them, from the last one on that was seen."""
        border, after = self._seen, self._out.after
        since = _seconds(border) if border else after
        with engine_errors("reading a log"), contextlib.closing(self._engine.another()) as engine:
            self._stream = engine.client.api.logs(
                self._container, stream=True, follow=True, timestamps=True, since=since
            )
            rest = b""
            for piece in self._stream:
                *whole, rest = (rest + piece).split(b"\n")
                for raw in whole:
                    moment, _, line = raw.decode(errors="replace").rstrip("\r").partition(" ")
                    if moment > border:
                        yield moment, line

    def _take(self, moment: str, line: str, file: Any) -> None:
        self._seen = moment
        line = hide(line, self._out.secrets)
        self.step = step_of(line) or self.step
        if tells_of_a_request(line):
            return
        self._lines.append(line)
        if file is not None:
            file.write(f"{self._out.name} | {line}\n")


def hide(line: str, secrets: tuple[str, ...]) -> str:
    """The line without the secrets."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            line = line.replace(secret, HIDDEN)
    return line


def _seconds(moment: str) -> float:
    """The whole second of a time such as 2026-01-01T00:00:00.123456789Z, since 1970."""
    return float(calendar.timegm(time.strptime(moment[:19], "%Y-%m-%dT%H:%M:%S")))
