"""A connection to a server, and what all connections share: a clock for reads and for deadlines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from builder.engines.remote.exchange import Exchange
from builder.errors import MagpieError

LONGEST_PAUSE = 1.0
"""Seconds between two looks at the deadlines, at most."""

PART = 32
"""Events gather for at most this part of the time that a stream lasts. A read that is put off holds
up a place of the server by half of that, on average, once a stream: 1.6 %."""

LONGEST_REST = 0.02
"""Seconds for which reading is put off, at most."""

LONGEST_HOLD = 0.1
"""Seconds for which what came is not told, at most: where we cut at a stop string that the server
does not know, it writes on for so long. The end of a stream is told at once."""

SHORTEST_TICK = 0.001
"""Seconds below which there is nothing to gain."""

WORTH = 3
"""Events that a rest must bring: to stop and to start to read costs as much as two reads."""

FEW = 8
"""With fewer streams than this there is time enough to read each event when it comes."""

_BUFFER = memoryview(bytearray(1 << 16))
"""All connections read into it: what is in it is parsed before the next one reads."""


class Connection(asyncio.BufferedProtocol):
    """A connection that takes one request after the other. `gone` is told when it is closed.

    It is a `BufferedProtocol`, since asyncio allocates 256 KiB for each read of the other kind.
    """

    _transport: asyncio.Transport

    def __init__(self, gone: Callable[[Connection], None], tick: Tick) -> None:
        self.exchange: Exchange | None = None
        self.usable = True
        self._gone = gone
        self._tick = tick

    def send(self, request: bytes, exchange: Exchange) -> None:
        """Send a request; what comes from here on belongs to `exchange`."""
        self.exchange = exchange
        if self.usable:
            self._transport.write(request)
        else:
            exchange.lost(None)

    def end(self, error: MagpieError) -> None:
        """Close it at once; whoever waits for an answer gets `error`."""
        if self.exchange is not None:
            self.exchange.fail(error)
        self.abort()

    def abort(self) -> None:
        """Close it at once."""
        self.usable = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        """See `asyncio.BufferedProtocol`."""
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """See `asyncio.BufferedProtocol`. Bytes that nobody asked for make it useless."""
        exchange = self.exchange
        if exchange is None:
            self.abort()
            return
        exchange.feed(_BUFFER[:nbytes])
        if exchange.urgent or self._tick.streams < FEW:
            exchange.wake()
        else:
            self._tick.hold(exchange, self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.BaseProtocol`."""
        self.usable = False
        self._gone(self)
        if self.exchange is not None:
            self.exchange.lost(exc)


class Tick:
    """Lets events of many streams gather for a moment, so that several are handled at once.

    Two things are put off, each for a small part of the time that a stream lasts: telling who
    waits for a stream, except of its end; and reading, where a stream has so many events that one
    read brings several. Measured with 64 streams that got one event a write, of which each took
    11 us of CPU time: six a read took 5 us each, ten 3 us. At 50 events a second in each stream,
    with cold caches, an event took 29 us, half of it to wake who waits.
    """

    def __init__(self) -> None:
        self.streams = 0
        self._lasts = 0.0  # seconds that streams last, of late
        self._held: list[Exchange] = []
        self._resting: list[asyncio.Transport] = []

    def begin(self) -> None:
        """Count a stream."""
        self.streams += 1

    def end(self, lasted: float) -> None:
        """Count it no longer."""
        self.streams -= 1
        self._lasts += (lasted - self._lasts) / PART if self._lasts else lasted

    def hold(self, exchange: Exchange, transport: asyncio.Transport) -> None:
        """Put off to say that something came, and to read more, where that pays."""
        age = exchange.age
        span = max(self._lasts, age) / PART
        if span < SHORTEST_TICK:
            exchange.wake()
            return
        if not exchange.held:
            exchange.held = True
            if not self._held:
                _later(min(span, LONGEST_HOLD), self._tell)
            self._held.append(exchange)
        span = min(span, LONGEST_REST)
        if exchange.parts * span < WORTH * age or transport.is_closing():
            return
        transport.pause_reading()
        if not self._resting:
            _later(span, self._read)
        self._resting.append(transport)

    def _tell(self) -> None:
        held, self._held = self._held, []
        for exchange in held:
            exchange.held = False
            exchange.wake()

    def _read(self) -> None:
        resting, self._resting = self._resting, []
        for transport in resting:
            if not transport.is_closing():
                transport.resume_reading()


def _later(seconds: float, call: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, call)


class Watch:
    """One timer for the deadlines of all requests: it looks five times a deadline.

    A timeout of its own for each event would cost more than all else that is done with the event.
    """

    def __init__(self) -> None:
        self._watched: set[Exchange] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._pause = LONGEST_PAUSE

    def add(self, exchange: Exchange) -> None:
        """Watch over a request."""
        self._watched.add(exchange)
        pause = exchange.patience.shortest / 5
        if self._timer is None or pause < self._pause:
            self._set(min(pause, LONGEST_PAUSE))

    def remove(self, exchange: Exchange) -> None:
        """Watch over it no longer."""
        self._watched.discard(exchange)

    def _set(self, pause: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._pause = pause
        self._timer = asyncio.get_running_loop().call_later(pause, self._look)

    def _look(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        for exchange in self._watched:
            exchange.check(now)
        if self._watched:
            shortest = min(exchange.patience.shortest for exchange in self._watched)
            self._set(min(shortest / 5, LONGEST_PAUSE))
