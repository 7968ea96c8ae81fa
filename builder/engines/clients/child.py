"""A process that speaks to servers for its parent: a JSON line in, a JSON line out.

    in   {"engine", "settings": {"endpoint", "bos", "tokenizer", "spec", "info"}}
         {"id", "engine", "prompt", "params"}, {"cancel": id}, {"close": engine}
         {"id", "engine": 0}   is it there, and can it have all engines that it was told of?
    out  {"id", "text", "tokens", "finish_reason"} or {"id", "error": [type, message, mend]}
         {"id", "cpu"}         seconds of CPU time so far

Completions are whole and cut at their stops: a line each is all that the parent has to handle. It
ends when its stdin does, so it never outlives its parent. The key comes by the environment. What
the parent found out about a server is in `info`: it is not asked again.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, BinaryIO

import msgspec

from builder import errors
from builder.engines.base import Engine, SamplingParams, complete
from builder.engines.clients.engine import engine_of
from builder.errors import EngineError, MagpieError

Message = dict[str, Any]
LARGEST_LINE = 64 * 2**20


class Service:
    """The engines of a child and what they are answering. `reply` gets each reply."""

    def __init__(self, reply: Callable[[Message], None]) -> None:
        self._reply = reply
        self._engines: dict[int, Engine | MagpieError] = {}
        self._tasks: dict[int, asyncio.Task[Message]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def take(self, message: Message) -> None:
        """Do what a line says."""
        if "settings" in message:
            self._engines[message["engine"]] = _opened(message["settings"])
        elif "close" in message:
            self._close(message["close"])
        elif "cancel" in message:
            if message["cancel"] in self._tasks:
                self._tasks[message["cancel"]].cancel()
        elif message["engine"] == 0:
            self._reply({"id": message["id"], **self._state()})
        else:
            task = asyncio.create_task(answer(self._engines[message["engine"]], message))
            self._tasks[message["id"]] = task
            task.add_done_callback(partial(self._done, message["id"]))

    def _state(self) -> Message:
        failed = [one for one in self._engines.values() if isinstance(one, MagpieError)]
        return _failure(failed[0]) if failed else {"cpu": time.thread_time()}

    def _close(self, number: int) -> None:
        engine = self._engines.pop(number, None)
        if engine is not None and not isinstance(engine, MagpieError):
            task = asyncio.create_task(engine.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _done(self, number: int, task: asyncio.Task[Message]) -> None:
        """Reply, also when the task failed: its request would be waited for without end."""
        del self._tasks[number]
        if task.cancelled():
            return
        error = task.exception()
        reply = _failure(EngineError(repr(error))) if error else task.result()
        self._reply(reply | {"id": number})


def _opened(settings: Message) -> Engine | MagpieError:
    try:
        return engine_of(settings)
    except MagpieError as error:
        return error


async def answer(engine: Engine | MagpieError, message: Message) -> Message:
    """The reply to a request."""
    params = message["params"] | {"stop": tuple(message["params"]["stop"])}
    try:
        if isinstance(engine, MagpieError):
            raise engine
        found = await complete(engine, message["prompt"], SamplingParams(**params))
    except MagpieError as error:
        return _failure(error)
    return {"text": found.text, "tokens": found.tokens, "finish_reason": found.finish_reason}


def _failure(error: MagpieError) -> Message:
    """An error as a reply, by the name in `builder.errors` that it has or inherits from."""
    names = (kind.__name__ for kind in type(error).__mro__)
    kind = next(name for name in names if hasattr(errors, name))
    return {"error": [kind, error.message, error.mend]}


async def run(replies: BinaryIO) -> None:
    """Serve what comes from stdin until that ends: the parent closed it, or is gone."""

    def reply(message: Message) -> None:
        try:
            replies.write(msgspec.json.encode(message) + b"\n")
            replies.flush()
        except BrokenPipeError:  # the parent is gone
            os._exit(0)

    loop = asyncio.get_running_loop()
    requests = asyncio.StreamReader(limit=LARGEST_LINE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(requests), sys.stdin)
    service = Service(reply)
    while (line := await requests.readline()).endswith(b"\n"):
        service.take(msgspec.json.decode(line))
    os._exit(0)  # nobody waits for what is still being written


def main() -> None:
    """Run the child: requests on stdin, replies on what was stdout, everything else on stderr."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    asyncio.run(run(replies))


if __name__ == "__main__":
    main()
