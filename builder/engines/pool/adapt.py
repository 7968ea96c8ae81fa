"""How many requests one server gets at once: found out from its answers.

    climb    each answer admits one request more, so the limit doubles with each round of answers,
             while tokens a second grow by a quarter or more with each round
    hold     the limit stays; now and then a trial with half as many more, kept if it brings more
    mend     after a refusal or a stall: back up, step by step, more slowly the sooner the next

Speeds are compared over counts of answers, not over seconds: it works alike for answers that take
milliseconds and for those that take minutes. Where the noise of a small window decides wrongly,
it rather decides for more: a server that has more than it can do at once only lets them wait.
"""

from __future__ import annotations

from collections.abc import Callable

CLIMBING, HOLDING, TRYING, MENDING = "climb", "hold", "try", "mend"

GROWTH = 1.25
"""Speed of a round of the climb over that of the round before, which had half the requests."""

WORSE = 0.9
"""Speed of a round of the climb below which it is taken back."""

GAIN = 1.05
"""Speed of a trial over that before it, twice in a row, for which the trial is kept."""

SMALLEST_ROUND, SMALLEST_WINDOW = 32, 64
"""Answers over which the speed of a round, and of a trial, is measured, at least."""

CAUTION = 0.85
"""Share of the limit that a refusal leaves, at least."""

FIRST_HOLD, LONGEST_HOLD = 2, 32
"""Windows between two trials; doubled with each that brought nothing."""


class Limit:
    """A limit between 1 and `ceiling`, that begins at `start`. Its user tells what happens."""

    def __init__(self, start: int, ceiling: int, clock: Callable[[], float]) -> None:
        self.now = start
        self.ceiling = ceiling
        self.state = CLIMBING if start < ceiling else HOLDING
        self._clock = clock
        self._level = start  # where the round began; under trial: what it goes back to
        self._goal = start  # where mending ends
        self._speed: float | None = None  # tokens a second of the last round, or while holding
        self._hold = FIRST_HOLD  # windows between two trials
        self._held = 0
        self._proven = False  # the trial was better in its first window
        self._eager = 0.25  # mending: answers that one more request takes, as a share of the limit
        self._grown = False  # mending: the limit has grown since the last setback
        self._blamed = 0  # mending: setbacks that came of growing, in a row
        self._restart()

    def answered(self, tokens: int, *, full: bool) -> None:
        """Note an answer; `full` says that as many as allowed were in flight."""
        if self.now >= self.ceiling and self.state == HOLDING:
            return
        if not full:  # the server could have done more: nothing is to be learned
            self._restart()
            return
        self._answers += 1
        self._tokens += tokens
        if self.state == CLIMBING:
            self._climb()
        elif self.state == MENDING:
            self._mend()
        elif self._answers == 0:  # those that were sent before the trial are through
            self._restart()
        elif self._answers >= max(2 * self.now, SMALLEST_WINDOW):
            self._judge(self._measure())

    def refused(self, others: int) -> None:
        """Note that the server refused a request while it had `others` of ours.

        One refusal takes the limit down by no more than `CAUTION`: it may be a passing whim, and
        a burst of them brings it to what was served in a moment.
        """
        self._setback(max(1, min(self.now - 1, max(others, int(self.now * CAUTION)))))

    def stalled(self, sent_at: int) -> None:
        """Note that a request stalled that was sent when the limit was `sent_at`.

        All that stall together halve the limit at most: they may have waited for one another.
        """
        self._setback(max(1, self.now - 1, min(self.now, sent_at // 2)))

    def _climb(self) -> None:
        if self._answers == 1 and self._speed is None:
            self._began = self._clock()  # until the first answers come, there is no speed
        self.now = min(self.ceiling, self.now + 1, 2 * self._level)
        if self._answers < max(self._level, SMALLEST_ROUND):
            return
        before, self._speed = self._speed, self._measure()
        if before is None or self._speed >= before * GROWTH:
            if self._level < self.ceiling:
                self._level = self.now
                return
        elif self._speed < before * WORSE:
            self._level = max(1, self._level // 2)
            self._speed = before
        self.now = self._level
        self.state = HOLDING

    def _judge(self, speed: float) -> None:
        """Decide after a window of holding or of a trial."""
        if self.state == HOLDING or self._speed is None:
            self._speed = speed if self._speed is None else (self._speed + speed) / 2
            self._held += 1
            if self._held >= self._hold:
                self._try()
        elif speed < self._speed * GAIN:
            self._hold = min(LONGEST_HOLD, self._hold * 2)
            self._settle(self._level)
        elif self._proven:
            self._hold, self._speed = 1, speed
            self._settle(self.now)
        else:
            self._proven = True

    def _try(self) -> None:
        self.state, self._proven, self._level = TRYING, False, self.now
        self._answers = -self.now - 1
        self.now = min(self.ceiling, self.now + max(1, self.now // 2))

    def _settle(self, limit: int) -> None:
        self.now, self.state, self._held = limit, HOLDING, 0
        self._restart()

    def _mend(self) -> None:
        if self._answers < max(1.0, self._eager * self.now):
            return
        self._learn(blame=False)
        self._grown = True
        self.now += 1
        self._restart()
        if self.now >= self._goal:
            self._settle(min(self.now, self.ceiling))

    def _setback(self, limit: int) -> None:
        if self.state == TRYING:
            self._hold = min(LONGEST_HOLD, self._hold * 2)
        if self.state != MENDING:
            self._goal = self._level if self.state == TRYING else self.now
        else:
            self._learn(blame=self._answers <= max(1, self.now // 16))
        self._grown = False
        self.now, self.state = min(limit, self._goal), MENDING
        self._restart()
        if self.now >= self._goal:
            self._settle(self._goal)

    def _learn(self, *, blame: bool) -> None:
        """Mend more slowly where growing was punished twice in a row, faster where it was not."""
        if not self._grown:
            return
        self._blamed = self._blamed + 1 if blame else 0
        if not blame:
            self._eager = max(0.125, self._eager / 2)
        elif self._blamed >= 2:
            self._eager = min(4.0, self._eager * 2)

    def _measure(self) -> float:
        """Tokens a second since the window began; the next one begins."""
        speed = self._tokens / max(self._clock() - self._began, 1e-9)
        self._restart()
        return speed

    def _restart(self) -> None:
        self._answers = self._tokens = 0
        self._began = self._clock()
