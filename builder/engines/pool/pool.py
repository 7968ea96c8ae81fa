"""One pool of requests over all engines of a run: bounded, refilled as answers come, retried.

Each engine is a lane with a limit of its own (`adapt`), and knows whether its server is there
(`lane`). A request goes to the lane with the most room, and waits in one queue where none has
room (`gate`). What fails is asked again by the type of its error (`retry`), of any lane.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from builder.engines.base import (
    Completion,
    Constrains,
    Engine,
    SamplingParams,
    Served,
    complete,
)
from builder.engines.pool.gate import Gate, Place
from builder.engines.pool.lane import Lane, Timing
from builder.engines.pool.retry import RetryPolicy, Tries, reason_of
from builder.errors import (
    BrokenStreamError,
    EngineError,
    OverloadedError,
    RetryError,
    RowError,
    StalledError,
    UnavailableError,
)

__all__ = ["Pool", "RetryPolicy", "Timing"]

LOCAL, POLICY, TIMING = Served(), RetryPolicy(), Timing()


class Pool:
    """Asks engines, of each never more at once than its server bears, and in all than `ceiling`.

    `served` says at which endpoints the engines' servers answer, in the order of the engines; an
    engine without one is on this machine. `hungry` is called whenever there is room for more.
    """

    def __init__(
        self,
        engines: Engine | Sequence[Engine],
        ceiling: int | None = None,
        served: Served = LOCAL,
        policy: RetryPolicy = POLICY,
        timing: Timing = TIMING,
    ) -> None:
        engines = engines if isinstance(engines, Sequence) else [engines]
        slots = sum(engine.slots for engine in engines)
        self.ceiling = min(ceiling or slots, slots)
        self.tokens = 0  # generated so far, by all requests that were answered
        self.retries: Counter[str] = Counter()  # reason -> how often requests were asked again
        self.servers = len(served.endpoints)
        self.hungry: Callable[[], None] = lambda: None
        self._policy, self._timing, self._upkeep = policy, timing, served.upkeep
        endpoints = served.endpoints or ("",) * len(engines)
        self._lanes = [
            Lane(engine, endpoint, self.ceiling, policy, timing)
            for engine, endpoint in zip(engines, endpoints, strict=True)
        ]
        self._gate = Gate(self._lanes, self.ceiling)
        for lane in self._lanes:
            lane.opened = self._opened
        self._begun = False
        self._pausing = 0  # requests that wait by themselves
        self._refused_since: float | None = None  # no answer came since the first of all refusals
        self._useful: set[tuple[int, bool]] = set()  # kinds of requests that were answered
        self._useless: Counter[tuple[int, bool]] = Counter()  # kinds that were given up till now

    @property
    def constrained(self) -> bool:
        """Whether a completion can be held to a JSON schema, whichever engine writes it."""
        engines = [lane.engine for lane in self._lanes]
        return all(isinstance(one, Constrains) and one.constrained for one in engines)

    @property
    def limit(self) -> int:
        """How many requests may be in flight now."""
        return min(self.ceiling, sum(lane.limit.now for lane in self._lanes if not lane.away))

    @property
    def in_flight(self) -> int:
        """How many requests are in flight now."""
        return self._gate.inside

    @property
    def appetite(self) -> int:
        """How many rows should be under way, so that a request waits wherever one ends.

        A row is without a request while it is judged, so they are a few more than the limit.
        """
        limit = self.limit
        return limit + limit // 8 + 4 + self._pausing

    @property
    def away(self) -> int:
        """How many of the engines do not answer now."""
        return sum(lane.away for lane in self._lanes)

    @property
    def idle_share(self) -> float:
        """Share of the time, 0 to 1, in which an engine had nothing to do: the mean over them.

        It counts from the first request on, and not while a server was away.
        """
        shares = [lane.idle_share for lane in self._lanes]
        known = [share for share in shares if share is not None]
        return sum(known) / len(known) if known else 0.0

    async def complete(self, prompt: str, params: SamplingParams) -> Completion:
        """Return the completion, cut at its first stop string.

        Raises `RowError` when this request is given up, with the last error as its reason, and
        `StopError` when no request can succeed any more.
        """
        if not self._begun:
            self._begun = True
            for lane in self._lanes:
                lane.begin()
        kind = (params.max_tokens, params.whole)
        try:
            completion = await self._persist(prompt, params)
        except RowError as error:
            self._given_up(kind, error)
            raise
        self._useful.add(kind)
        self.tokens += completion.tokens
        return completion

    async def _persist(self, prompt: str, params: SamplingParams) -> Completion:
        """Ask until there is an answer, or no sense in asking again.

        What failed goes before those that wait, but for a probe: were it itself what takes the
        server down, the others would never get at it.
        """
        tries: Tries | None = None
        first = False
        while True:
            place = await self._gate.enter(first=first)
            try:
                return await self._ask(place, prompt, params)
            except RetryError as error:
                self._stop_if_refused(error)
                self._stop_if_gone(error)
                tries = tries or Tries(self._policy)
                first = not place[1]
                pause = tries.pause_after(error, expected=not first)
                self.retries[reason_of(error)] += 1
            finally:
                self._gate.leave(place)
                self._feed()
            if pause:
                await self._wait(pause)

    async def _ask(self, place: Place, prompt: str, params: SamplingParams) -> Completion:
        """Ask once, and let the lane know what came of it."""
        lane, probe = place
        limit, answers = lane.limit.now, lane.answers
        try:
            completion = await complete(lane.engine, prompt, params)
        except OverloadedError:
            lane.refused()
            raise
        except UnavailableError:
            lane.vanished(probe=probe)
            raise
        except StalledError:
            lane.stalled(limit, answers)
            raise
        except (RetryError, RowError) as error:
            if probe or not isinstance(error, BrokenStreamError):  # a crash breaks streams too
                lane.complained()
            raise
        lane.answered(completion.tokens)
        self._refused_since = None
        return completion

    def _stop_if_gone(self, error: RetryError) -> None:
        """Raise when no server has been there for too long, and none is being brought back.

        Raises `ServerError` where one was given up by who looks after it.
        """
        if not isinstance(error, UnavailableError | StalledError):
            return
        now = self._timing.clock()
        for lane in self._lanes:
            if lane.away and self._upkeep is not None and self._upkeep.returning(lane.endpoint):
                lane.silent_since = now
        since = [lane.silent_since for lane in self._lanes if lane.silent_since is not None]
        silences = [now - start for start in since]
        gone = len(silences) == self.away == len(self._lanes)
        if gone and min(silences) > self._policy.patience:
            who = "the engine has" if len(silences) == 1 else f"all {len(silences)} servers have"
            raise EngineError(
                f"{who} not answered for {min(silences):.0f} s: {error.message}",
                mend="Bring it back, then run the same command again: the run goes on.",
            ) from error

    def _stop_if_refused(self, error: RetryError) -> None:
        """Raise when for too long nothing but refusals came of any request."""
        if not isinstance(error, OverloadedError):
            return
        now = self._timing.clock()
        if self._refused_since is None:
            self._refused_since = now
        if now - self._refused_since > self._policy.overload:
            raise EngineError(
                f"all requests were refused for {now - self._refused_since:.0f} s: {error.message}",
                mend="Is a quota used up, or is the server busy for others? Once it has room, run "
                "the same command again: the run goes on.",
            ) from error

    def _given_up(self, kind: tuple[int, bool], error: RowError) -> None:
        """Count a request that was given up. Raises when none of its kind can succeed."""
        if kind in self._useful:
            return
        self._useless[kind] += 1
        if self._useless[kind] >= self._policy.refusals:
            raise EngineError(
                f"none of {self._useless[kind]} requests for {kind[0]} tokens could be answered, "
                f"the last one for this reason: {error.message}",
                mend="Mend that in the recipe, or at the server, and start a new run: `--run DIR`.",
            ) from error

    async def _wait(self, seconds: float) -> None:
        """Let a request wait by itself, for a failure that concerns nobody else."""
        over = asyncio.Event()
        self._timing.later(seconds, over.set)
        self._pausing += 1
        try:
            await over.wait()
        finally:
            self._pausing -= 1

    def _feed(self) -> None:
        if not self._gate.waiting:
            self.hungry()

    def _opened(self) -> None:
        self._gate.admit()
        self._feed()
