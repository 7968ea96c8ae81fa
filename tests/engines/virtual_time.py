"""An event loop in which waiting takes no time: the clock jumps to what comes next."""

import asyncio
import selectors


class JumpingSelector(selectors.SelectSelector):
    """Waits for nothing; the time that it should have waited has passed."""

    def __init__(self):
        super().__init__()
        self.now = 0.0

    def select(self, timeout=None):
        if timeout is None:
            raise AssertionError("everybody waits and nothing is going to happen")
        self.now += timeout
        return super().select(0)


class JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        self._jumping = JumpingSelector()
        super().__init__(self._jumping)

    def time(self):
        return self._jumping.now


def run_virtually(work):
    """What `work` returns, run in a time of its own that begins at 0."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(work)


def virtual_clock():
    """The time of the loop that runs."""
    return asyncio.get_running_loop().time()
