"""A process that speaks to a server for its parent: a JSON line in, a JSON line out.

    in   first line  {"endpoint", "bos", "spec", "info"}
         then        {"id", "prompt", "params"} or {"cancel": id}
    out  {"id", "text", "tokens", "finish_reason"} or {"id", "error": [type, message, mend]}

Completions are whole and cut at their stops: a line each is all that the parent has to handle. It
ends when its stdin does, so it never outlives its parent. The key comes by the environment.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from functools import partial
from typing import Any, BinaryIO

import msgspec

from builder import errors
from builder.engines.base import Engine, SamplingParams, complete
from builder.engines.remote import RemoteModel
from builder.engines.tgi import TgiInfo, tgi_engine
from builder.errors import MagpieError, TemplateError
from builder.recipe.engine_spec import TgiEngineSpec

Message = dict[str, Any]
LARGEST_LINE = 64 * 2**20


def engine_of(settings: Message) -> Engine:
    """The engine that the parent describes. It has no tokenizer, and asks the server to count."""

    def unknown() -> Any:
        raise TemplateError("a client process has no tokenizer files")

    return tgi_engine(
        settings["endpoint"],
        RemoteModel(settings["bos"], unknown),
        TgiEngineSpec.model_validate_json(msgspec.json.encode(settings["spec"])),
        TgiInfo(**settings["info"]),
    )


async def answer(engine: Engine, message: Message) -> Message:
    """The reply to a request."""
    params = message["params"] | {"stop": tuple(message["params"]["stop"])}
    try:
        found = await complete(engine, message["prompt"], SamplingParams(**params))
    except MagpieError as error:
        return {"error": [_public_name(error), error.message, error.mend]}
    return {"text": found.text, "tokens": found.tokens, "finish_reason": found.finish_reason}


def _public_name(error: MagpieError) -> str:
    """The name in `builder.errors` that the error has, or that it inherits from."""
    return next(kind.__name__ for kind in type(error).__mro__ if hasattr(errors, kind.__name__))


async def serve(requests: asyncio.StreamReader, replies: BinaryIO) -> None:
    """Answer until the requests end: the parent closed them, or is gone."""
    engine = engine_of(msgspec.json.decode(await requests.readline()))
    tasks: dict[int, asyncio.Task[Message]] = {}

    def done(number: int, task: asyncio.Task[Message]) -> None:
        """Reply, also when the task failed: its request would be waited for without end."""
        del tasks[number]
        if task.cancelled():
            return
        error = task.exception()
        reply = {"error": ["EngineError", repr(error), ""]} if error else task.result()
        replies.write(msgspec.json.encode(reply | {"id": number}) + b"\n")
        replies.flush()

    while (line := await requests.readline()).endswith(b"\n"):
        message = msgspec.json.decode(line)
        if "cancel" in message:
            if message["cancel"] in tasks:
                tasks[message["cancel"]].cancel()
            continue
        task = tasks[message["id"]] = asyncio.create_task(answer(engine, message))
        task.add_done_callback(partial(done, message["id"]))
    os._exit(0)  # nobody waits for what is still being written


async def run(replies: BinaryIO) -> None:
    """Serve what comes from stdin."""
    loop = asyncio.get_running_loop()
    requests = asyncio.StreamReader(limit=LARGEST_LINE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(requests), sys.stdin)
    await serve(requests, replies)


def main() -> None:
    """Run the child: requests on stdin, replies on what was stdout, everything else on stderr."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends us
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    asyncio.run(run(replies))


if __name__ == "__main__":
    main()
