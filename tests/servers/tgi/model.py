"""The part behind the router: permits, the batch, the end of a text, the figures for Prometheus."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

from tests.servers.authors import Author, Written, tokens
from tests.servers.tgi.limits import Limits
from tests.servers.tgi.validation import Wanted, failed, overloaded


@dataclass
class Figures:
    """What `GET /metrics` tells."""

    requests: int = 0
    success: int = 0
    failure: Counter[str] = field(default_factory=Counter)
    generated: list[int] = field(default_factory=list)
    in_flight: int = 0
    """Requests that hold one of the router's permits."""
    most_in_flight: int = 0
    queue: int = 0
    batch: int = 0


@dataclass(frozen=True)
class Step:
    """A token, and at the last one how the text ended: (reason, generated text)."""

    token: dict[str, Any]
    end: tuple[str, str] | None = None


class Model:
    """Serves what the router let in: at most `author.slots` at once, the others queue."""

    def __init__(self, author: Author, limits: Limits) -> None:
        self.author = author
        self.limits = limits
        self.figures = Figures()
        self.healthy = True
        self._batch = asyncio.Semaphore(author.slots)

    @contextlib.asynccontextmanager
    async def permit(self) -> AsyncGenerator[None]:
        """A place among the concurrent requests; refused at once when all are taken."""
        if self.figures.in_flight >= self.limits.max_concurrent_requests:
            raise overloaded()
        self.figures.in_flight += 1
        self.figures.most_in_flight = max(self.figures.most_in_flight, self.figures.in_flight)
        try:
            yield
        finally:
            self.figures.in_flight -= 1

    async def steps(self, wanted: Wanted) -> AsyncGenerator[Step]:
        """Generate. Closing the generator frees the place in the batch."""
        ending = Ending(wanted)
        async with self._place():
            writing = self.author.write(wanted.prompt, wanted.sampling)
            async with contextlib.aclosing(writing):
                async for written in _or_failed(writing):
                    reason = ending.after(written)
                    token = token_of(written)
                    if reason is None:
                        yield Step(token)
                        continue
                    self.figures.generated.append(ending.count)
                    self.figures.success += 1
                    yield Step(token, (reason, ending.text))
                    return

    @contextlib.asynccontextmanager
    async def _place(self) -> AsyncGenerator[None]:
        self.figures.queue += 1
        try:
            await self._batch.acquire()
        finally:
            self.figures.queue -= 1
        self.figures.batch += 1
        try:
            yield
        finally:
            self.figures.batch -= 1
            self._batch.release()


async def _or_failed(writing: AsyncGenerator[Written]) -> AsyncGenerator[Written]:
    """The author's tokens; its failure is TGI's failed generation."""
    try:
        async for written in writing:
            yield written
    except RuntimeError as error:
        raise failed(str(error)) from error


class Ending:
    """When a text ends, checked after each token as TGI's model server does it.

    A stop string counts only at the end of the text so far, and a line end may follow it: that is
    what `$` means to Python's `re`, which TGI uses. The length is looked at first.
    """

    def __init__(self, wanted: Wanted) -> None:
        self.text = ""
        """What is told as generated_text: without special tokens, with the stop string."""
        self.count = 0
        self._all = ""
        self._limit = wanted.sampling.max_tokens
        self._stops = [re.compile(re.escape(stop) + "$") for stop in wanted.stop]

    def after(self, written: Written) -> str | None:
        self.count += 1
        self._all = (self._all + written.text)[-300:]
        if written.id not in tokens().special:
            self.text += written.text
        if self.count >= self._limit:
            return "length"
        if written.id in tokens().ends:
            return "eos_token"
        if any(stop.search(self._all) for stop in self._stops):
            return "stop_sequence"
        return None


def token_of(written: Written) -> dict[str, Any]:
    """A token in TGI's JSON."""
    return {
        "id": written.id,
        "text": written.text,
        "logprob": written.logprob,
        "special": written.id in tokens().special,
    }


def prefill_of(wanted: Wanted) -> list[dict[str, Any]]:
    """The prompt's tokens; the first one has no probability."""
    if not wanted.prefill:
        return []
    texts = [(number, tokens().text([number])) for number in wanted.prompt]
    return [
        {"id": number, "text": text, "logprob": -1.0 if position else None}
        for position, (number, text) in enumerate(texts)
    ]


def metrics_text(figures: Figures) -> str:
    """Prometheus' text format, the lines that are worth reading here."""
    lines = [
        "# TYPE tgi_request_count counter",
        f"tgi_request_count {figures.requests}",
        "# TYPE tgi_request_success counter",
        f"tgi_request_success {figures.success}",
        "# TYPE tgi_request_failure counter",
        *(f'tgi_request_failure{{err="{kind}"}} {n}' for kind, n in figures.failure.items()),
        "# TYPE tgi_queue_size gauge",
        f"tgi_queue_size {figures.queue}",
        "# TYPE tgi_batch_current_size gauge",
        f"tgi_batch_current_size {figures.batch}",
        "# TYPE tgi_request_generated_tokens histogram",
    ]
    for most in (16, 64, 256, 1024, 4096):
        within = sum(count <= most for count in figures.generated)
        lines.append(f'tgi_request_generated_tokens_bucket{{le="{most}"}} {within}')
    whole = len(figures.generated)
    lines += [
        f'tgi_request_generated_tokens_bucket{{le="+Inf"}} {whole}',
        f"tgi_request_generated_tokens_sum {sum(figures.generated)}",
        f"tgi_request_generated_tokens_count {whole}",
    ]
    return "\n".join(lines) + "\n"


def compute_headers(inputs: str, started: float) -> dict[str, str]:
    """Headers that every answer of a generation carries."""
    return {
        "x-compute-type": "cpu",
        "x-compute-characters": str(len(inputs)),
        "x-compute-time": str(time.monotonic() - started),
    }
