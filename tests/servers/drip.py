"""TGI's answers as cheaply as a Python process can send them, for benchmarks of clients.

    with drip_server(tokens=200) as url:                   one event a write, round the streams
    with drip_server(tokens=200, rate=50) as url:          ... 50 a second in each stream
    with drip_server(tokens=200, whole=True) as url:       a whole stream in one write

Raw asyncio in a process of its own. Every answer is encoded beforehand and is the same: the JSON of
TGI's events with the demo model's tokens. It reads of a request only its length and whether it
wants a stream; `/info`, `/health` and `/tokenize` answer too. At full speed each turn of the event
loop writes one event into each stream; a client that is slower than the server then finds several
in one read. To measure a client on one event a read, as from a real server, take a `rate` that it
can follow, and look at its CPU seconds rather than at the clock.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.authors import invented, tokens
from tests.servers.sse import event
from tests.servers.tgi.limits import Limits

ROOT = Path(__file__).resolve().parents[2]
LENGTH = re.compile(rb"content-length:[ \t]*(\d+)", re.IGNORECASE)
WANTS_STREAM = re.compile(rb'"stream":\s*true')


def events(count: int) -> list[dict[str, Any]]:
    """The `count` events of a stream."""
    draw, found, text = random.Random(1), [], invented(random.Random(1), 5 * count)
    pieces = tokens().pieces(text, special=False)
    while len(pieces) < count:
        text += " " + invented(draw, count)
        pieces = tokens().pieces(text, special=False)
    for index, (number, start, stop) in enumerate(pieces[:count], 1):
        token = {"id": number, "text": text[start:stop], "logprob": -2 * draw.random()}
        token["special"] = False
        found.append({"index": index, "token": token, "generated_text": None, "details": None})
    figures = {"finish_reason": "length", "generated_tokens": count, "seed": 42, "input_length": 6}
    found[-1] |= {"generated_text": text[: pieces[count - 1][2]], "details": figures}
    return found


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _answer(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % len(body) + body


@dataclass(frozen=True)
class Answers:
    """Everything that is ever sent, as bytes. `stream` are the writes of one stream."""

    head: bytes
    stream: list[bytes]
    json: bytes
    others: dict[bytes, bytes]

    @classmethod
    def of(cls, count: int, *, whole: bool) -> Answers:
        made = events(count)
        writes = [_chunk(event(one)) for one in made]
        writes[-1] += b"0\r\n\r\n"
        last = made[-1]
        details = {k: v for k, v in last["details"].items() if k != "input_length"}
        details |= {"prefill": [], "tokens": [one["token"] for one in made]}
        text = json.dumps([{"generated_text": last["generated_text"], "details": details}])
        info = Limits(max_concurrent_requests=100_000).info()
        return cls(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
            b"transfer-encoding: chunked\r\n\r\n",
            [b"".join(writes)] if whole else writes,
            _answer(text.encode()),
            {
                b"/info": _answer(json.dumps(info).encode()),
                b"/health": _answer(b""),
                b"/tokenize": _answer(b'[{"id":4080,"text":"","start":0,"stop":0}]'),
            },
        )


class Drip:
    """Writes the next event into each stream, in turn."""

    def __init__(self, stream: list[bytes], rate: float | None) -> None:
        self._stream = stream
        self._rate = rate
        self._live: dict[asyncio.Transport, int] = {}
        self._running = False
        self._next = 0.0

    def add(self, transport: asyncio.Transport) -> None:
        self._live[transport] = 0
        if not self._running:
            self._running = True
            self._next = time.monotonic()
            asyncio.get_running_loop().call_soon(self._round)

    def drop(self, transport: asyncio.Transport) -> None:
        self._live.pop(transport, None)

    def _round(self) -> None:
        last = len(self._stream) - 1
        for transport, position in list(self._live.items()):
            transport.write(self._stream[position])
            if position == last:
                del self._live[transport]
            else:
                self._live[transport] = position + 1
        self._running = bool(self._live)
        if not self._running:
            return
        loop = asyncio.get_running_loop()
        if self._rate is None:
            loop.call_soon(self._round)
            return
        self._next = max(self._next + 1 / self._rate, time.monotonic() - 1)
        loop.call_at(loop.time() + max(0.0, self._next - time.monotonic()), self._round)


class Connection(asyncio.Protocol):
    """One keep-alive connection; requests on it come one after the other."""

    def __init__(self, answers: Answers, drip: Drip) -> None:
        self._answers = answers
        self._drip = drip
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._drip.drop(self._transport)

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, end, rest = self._read.partition(b"\r\n\r\n")
        if not end:
            return
        length = LENGTH.search(head)
        needed = int(length[1]) if length else 0
        if len(rest) < needed:
            return
        self._read = rest[needed:]
        self._reply(head.split(b" ", 2)[1], rest[:needed])

    def _reply(self, path: bytes, body: bytes) -> None:
        path = path.rstrip(b"/")
        if path in self._answers.others:
            self._transport.write(self._answers.others[path])
        elif path.endswith(b"/generate_stream") or WANTS_STREAM.search(body):
            self._transport.write(self._answers.head)
            self._drip.add(self._transport)
        else:
            self._transport.write(self._answers.json)


@contextlib.contextmanager
def drip_server(
    tokens: int = 200, rate: float | None = None, *, whole: bool = False
) -> Iterator[str]:
    """The address of a server whose answers have that many tokens. `rate` is a second, a stream."""
    told = [f"--tokens={tokens}", *([f"--rate={rate}"] if rate else []), *(["--whole"] * whole)]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.servers.drip", *told],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        try:
            yield child.stdout.readline().strip()
        finally:
            child.kill()


async def _serve(told: argparse.Namespace) -> None:
    answers, loop = Answers.of(told.tokens, whole=told.whole), asyncio.get_running_loop()
    drip = Drip(answers.stream, told.rate)
    server = await loop.create_server(lambda: Connection(answers, drip), "127.0.0.1", told.port)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)  # noqa: T201
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Print the address and serve until stdin ends."""
    parser = argparse.ArgumentParser(prog="python -m tests.servers.drip")
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
