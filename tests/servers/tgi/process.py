"""TGI as a process of its own, which a supervisor in the test starts again when it ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.servers.faults import FaultPlan
from tests.servers.log import Asked, injected, read_log

ROOT = Path(__file__).resolve().parents[3]
LONGEST = 60.0


class TgiProcess:
    """See `tgi_process`. `ready` is set while it serves, `ends` are the exit statuses so far."""

    def __init__(self, flags: Sequence[str], environ: Mapping[str, str], pause: float | None):
        # A socket that is bound and never listens keeps the port ours while the server is down.
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", 0))
        self.port = self._held.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.lines: list[str] = []
        self.ends: list[int] = []
        self.ready = threading.Event()
        self.over = threading.Event()
        self._folder = tempfile.TemporaryDirectory()
        self._log = Path(self._folder.name) / "requests.jsonl"
        self._environ = {**os.environ, "MAGPIE_TEST_LOG": str(self._log), **environ}
        self._command = [sys.executable, "-m", "tests.servers.tgi", "--port", str(self.port)]
        self._command += ["--hostname", "127.0.0.1", *flags]
        self._pause = pause
        self._wanted = threading.Event()  # set: nobody wants it any more
        self._thread = threading.Thread(target=self._supervise, daemon=True)
        self._thread.start()

    @property
    def requests(self) -> list[Asked]:
        return read_log(self._log)

    @property
    def injected(self) -> Counter[str]:
        return injected(self.requests)

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send the running server a signal."""
        self._process.send_signal(number)

    def close(self) -> None:
        self._wanted.set()
        with contextlib.suppress(AttributeError, ProcessLookupError):
            self._process.kill()
        self._thread.join(LONGEST)
        self._held.close()
        self._folder.cleanup()

    def _supervise(self) -> None:
        while not self._wanted.is_set():
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environ,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            if self._wanted.is_set():  # closed in this very moment
                self._process.kill()
            self._read()
            self.ready.clear()
            self.ends.append(self._process.wait())
            if self._pause is None or self._wanted.wait(self._pause):
                break
        self.over.set()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as log:
            for line in log:
                self.lines.append(line.rstrip("\n"))
                if "Connected" in line:
                    self.ready.set()


@contextlib.contextmanager
def tgi_process(
    *flags: str,
    author: str = "scripted",
    faults: FaultPlan | None = None,
    environ: Mapping[str, str] | None = None,
    pause: float | None = 0.2,
    wait: bool = True,
) -> Iterator[TgiProcess]:
    """A TGI in a process: `author` is `scripted` or `demo`, `environ` as `launcher` documents.

    When it ends it is started again after `pause` seconds, on the same port; None: not at all.
    `wait` waits until it serves.
    """
    told = {"MAGPIE_TEST_AUTHOR": author, **(environ or {})}
    if faults is not None:
        told["MAGPIE_TEST_FAULTS"] = json.dumps(faults.told())
    server = TgiProcess(flags, told, pause)
    try:
        if wait and not server.ready.wait(LONGEST):
            raise TimeoutError("\n".join(server.lines))
        yield server
    finally:
        server.close()
