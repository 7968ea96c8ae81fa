"""The launcher: its phases, its log, its router, its end. Runs as a process or in a container.

Besides the flags it reads, from the environment, what only tests want:

    MAGPIE_TEST_AUTHOR   demo (default) or scripted      MAGPIE_TEST_SLOTS   requests in one batch
    MAGPIE_TEST_RATE     tokens a second of a text       MAGPIE_TEST_WORDS   words of a text
    MAGPIE_TEST_DELAY    seconds of loading              MAGPIE_TEST_DEATH   see `deaths`
    MAGPIE_TEST_FAULTS   a fault plan in JSON            MAGPIE_TEST_LOG     file of the requests
"""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.servers.faults import Fault, FaultPlan
from tests.servers.log import RequestLog
from tests.servers.strike import CRASH
from tests.servers.tgi.app import make_app
from tests.servers.tgi.configured import LauncherError, author_of, limits_of
from tests.servers.tgi.deaths import (
    AT_DOWNLOAD,
    AT_LISTENING,
    AT_LOADING,
    ROUTER_ERROR,
    SHARD_ERROR,
    Death,
    download_error,
)
from tests.servers.tgi.limits import SHA
from tests.servers.tgi.log_lines import ROUTER, Lines
from tests.servers.tgi.model import Model

OFTEN = 0.05
"""Seconds between two looks at the clock while loading; the launcher's own are 0.1."""


class Launcher:
    def __init__(self, flags: argparse.Namespace) -> None:
        self.flags = flags
        self.lines = Lines(as_json=bool(flags.json_output))
        self.death = Death.read()
        self.shards = flags.num_shard or 1
        self.ended: asyncio.Event = asyncio.Event()
        self.asked_to_stop = False
        self.shard_killed = False

    async def run(self) -> None:
        """From the first line to the last. Raises `LauncherError`."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        shown = {k: v for k, v in vars(self.flags).items() if v is not None and k != "api_key"}
        self.lines.info("Args " + json.dumps(shown, indent=4))
        limits = limits_of(self.flags)
        self._download()
        await self._load()
        if self.asked_to_stop:
            return
        author = author_of(limits)
        for rank in range(self.shards):
            self._shard("Shard ready in 0.1s", rank)
        try:
            await self._serve(Model(author, limits))
        finally:
            author.close()

    def _stop(self) -> None:
        self.asked_to_stop = True
        self.ended.set()

    def _shard(self, words: str, rank: int, *, error: bool = False) -> None:
        write = self.lines.error if error else self.lines.info
        write(words, name="shard-manager", rank=rank)

    def _download(self) -> None:
        model, name = self.flags.model_id, {"name": "download"}
        self.lines.info(f"Starting check and download process for {model}", **name)
        if self.death.kind in AT_DOWNLOAD:
            self.death.strike()
            token = os.environ.get("HF_TOKEN")
            words = download_error(self.death.kind, model, self.flags.revision, token)
            self.lines.error(f"Download encountered an error: \n{words}", **name)
            raise LauncherError("DownloadError")
        cache = self.flags.huggingface_hub_cache or os.environ.get("HF_HUB_CACHE")
        if cache:
            self._fetch(Path(cache) / f"models--{model.strip('/').replace('/', '--')}")
        self.lines.info(f"Successfully downloaded weights for {model}", **name)

    def _fetch(self, folder: Path) -> None:
        """Leave in the cache what shows that it was used."""
        name = self.flags.revision or "main"
        if (folder / "refs" / name).exists():
            self.lines.info("Files are already present on the host. Skipping download.")
            return
        self.lines.info("Download file: model-00001-of-00001.safetensors")
        (folder / "refs" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "refs" / name).write_text(SHA)
        self.lines.info("Download: [1/1] -- ETA: 0")

    async def _load(self) -> None:
        """Wait for the shards as long as the test wants, or let one fail."""
        for rank in range(self.shards):
            self._shard("Starting shard", rank)
        delay, started, said = (
            float(os.environ.get("MAGPIE_TEST_DELAY") or 0),
            time.monotonic(),
            0.0,
        )
        while self.death.kind == "never-ready" or time.monotonic() - started < delay:
            if self.asked_to_stop:
                self.lines.info("Shutting down shards")
                return
            if time.monotonic() - said > 10:
                self._shard("Waiting for shard to be ready...", 0)
                said = time.monotonic()
            await asyncio.sleep(OFTEN)
        if self.death.kind in AT_LOADING:
            self._lose_shard(SHARD_ERROR[self.death.kind], self.death.kind == "killed-at-start")
            self.lines.error("Shard 0 failed to start")
            self.lines.info("Shutting down shards")
            raise LauncherError("ShardCannotStart")

    def _lose_shard(self, words: str, killed: bool) -> None:
        self.death.strike()
        self._shard(f"Shard complete standard error output:\n\n{words}", 0, error=True)
        if killed:
            self._shard("Shard process was signaled to shutdown with signal 9", 0, error=True)

    async def _serve(self, model: Model) -> None:
        self.lines.info("Starting Webserver")
        app = make_app(model, self._log())
        app[CRASH] = _die
        runner = web.AppRunner(
            app, handler_cancellation=True, access_log=None, shutdown_timeout=1.0
        )
        await runner.setup()
        try:
            await self._listen(runner)
            self._ready(model)
            await self.ended.wait()
            await self._end(runner)
        finally:
            await runner.cleanup()

    async def _listen(self, runner: web.AppRunner) -> None:
        error = ROUTER_ERROR.get(self.death.kind, "")
        self.lines.info("Warming up model", "text_generation_router_v3")
        try:
            if self.death.kind not in AT_LISTENING:
                await web.TCPSite(runner, self._host(), self.flags.port, reuse_address=True).start()
        except OSError:
            error = ROUTER_ERROR["port"]
        if error:
            self.death.strike()
            print(error, flush=True)  # noqa: T201
            self.lines.error("Webserver Crashed")
            self.lines.info("Shutting down shards")
            raise LauncherError("WebserverFailed")

    def _host(self) -> str:
        """Where to listen. In a container HOSTNAME is its id, which the router cannot use."""
        try:
            return str(ipaddress.ip_address(self.flags.hostname))
        except ValueError:
            self.lines.warn("Invalid hostname, defaulting to 0.0.0.0", ROUTER)
            return "0.0.0.0"

    def _ready(self, model: Model) -> None:
        name = self.flags.model_id
        self.lines.info(f"Serving revision {model.limits.revision or SHA} of model {name}", ROUTER)
        self.lines.info("Connected", ROUTER)
        if self.death.kind in ("killed-after", "sigkill-after"):
            asyncio.get_running_loop().call_later(self.death.amount, self._kill)

    def _log(self) -> RequestLog:
        plan = json.loads(os.environ.get("MAGPIE_TEST_FAULTS") or "{}")
        path = os.environ.get("MAGPIE_TEST_LOG")
        log = RequestLog(FaultPlan.read(plan), Path(path) if path else None)
        return Mortal(log, self.death, self._kill) if "requests" in self.death.kind else log

    def _kill(self) -> None:
        """A shard, or the launcher itself, gets SIGKILL."""
        if self.death.kind.startswith("sigkill"):
            self.death.strike()
            os.kill(os.getpid(), signal.SIGKILL)
            os._exit(137)  # the first process of a container cannot kill itself; the same to Docker
        self._lose_shard("", killed=True)
        self.shard_killed = True
        self.ended.set()

    async def _end(self, runner: web.AppRunner) -> None:
        """Graceful when asked for, the end of a shard otherwise."""
        if self.shard_killed:
            self.lines.error("Shard 0 crashed")
        self.lines.info("Terminating webserver")
        self.lines.info("Waiting for webserver to gracefully shutdown")
        if self.shard_killed:
            _reset_all(runner)
        await runner.cleanup()
        self.lines.info("signal received, starting graceful shutdown", ROUTER)
        self.lines.info("webserver terminated")
        self.lines.info("Shutting down shards")
        if self.shard_killed:
            raise LauncherError("ShardFailed")


class Mortal(RequestLog):
    """Lets the death happen when the request arrives that it waits for."""

    def __init__(self, log: RequestLog, death: Death, kill: Callable[[], None]) -> None:
        super().__init__(log.plan, log.path)
        self._left = death.amount
        self._kill = kill

    def enter(self, path: str, body: dict[str, Any]) -> Fault | None:
        fault = super().enter(path, body)
        self._left -= 1
        if self._left == 0:
            self._kill()
        return fault


def _reset_all(runner: web.AppRunner) -> None:
    """What was being generated is lost with its shard."""
    for connection in list(runner.server.connections if runner.server else ()):
        if connection.transport is not None:
            connection.transport.abort()


async def _die() -> None:
    """The fault `crash`."""
    os._exit(137)


def main(argv: list[str]) -> int:
    """Run the launcher and return its exit status."""
    from tests.servers.tgi.flags import read_flags

    flags = read_flags(argv)

    async def run() -> None:
        await Launcher(flags).run()

    try:
        asyncio.run(run())
    except LauncherError as failure:
        sys.stderr.write(f"Error: {failure}\n")
        return 1
    return 0
