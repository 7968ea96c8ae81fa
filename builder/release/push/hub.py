"""A request to the Hub with our patience: asked again where that may help, never for ever."""

from __future__ import annotations

import contextlib
import logging
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from builder.errors import OverloadedError, RetryError
from builder.release.push.chunked import settings
from builder.release.push.refusals import CLUMSY, PublishError, has_answer, meaning, seconds_told

if TYPE_CHECKING:
    import httpx2
    from huggingface_hub import HfApi

T = TypeVar("T")

PAUSES: Final = (1.0, 2.0, 4.0, 8.0)
"""Seconds before each further try, unless the Hub says how long."""

LONGEST_WAIT: Final = 900.0
"""Seconds that we wait at most because the Hub says so: its window is five minutes long
(Hub documentation, "Rate limits")."""

UNTOLD_WAIT: Final = 30.0
"""Seconds that we wait at least where the Hub asks us to wait and hf_xet does not pass on how long:
it keeps the answer to itself."""

CONNECT_SECONDS: Final = 20.0
ANSWER_SECONDS: Final = 180.0
"""Seconds without a byte after which a request counts as lost. The Hub itself gives a commit 60 s
("Repository limitations and recommendations"); the client would wait for ever."""

AGAIN: Final = "Run the same command again: it finishes what is begun, or says that all is done."


@dataclass
class Watch:
    """Who looks on: `tell` gets a sentence, `sent` bytes that are done and bytes in all, and
    `read` the same of what is read back.

    `state` says in words what the repository holds by now, for whoever has to tell why it ended.
    """

    tell: Callable[[str], None] = lambda _: None
    sent: Callable[[int, int], None] = lambda _, __: None
    read: Callable[[int, int], None] = lambda _, __: None
    state: str = "nothing was changed on the Hub"


@dataclass
class Hub:
    """The Hub for one token. `token` never leaves this object but in a request's header."""

    token: str | None = field(repr=False)
    watch: Watch = field(default_factory=Watch)
    pauses: tuple[float, ...] = PAUSES

    @property
    def endpoint(self) -> str:
        """Address of the Hub: HF_ENDPOINT, or huggingface.co."""
        from huggingface_hub import constants

        return constants.ENDPOINT

    @property
    def api(self) -> HfApi:
        """The client, for this token alone: without one it asks as a stranger."""
        from huggingface_hub import HfApi

        return HfApi(token=self.token or False)

    def once(self, what: str, call: Callable[[], T]) -> T:
        """Ask once. `what` names the request in an error: "commit to acme/set".

        Raises `RetryError` when the same request may succeed, else `PublishError`.
        """
        import httpx2

        try:
            return call()
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, *CLUMSY) as error:
            raise meaning(error, what, self.endpoint) from error

    def ask(self, what: str, call: Callable[[], T]) -> T:
        """Ask, and ask again a few times where that may help: only for what may be done twice.

        Raises `PublishError`.
        """
        for pause in self.pauses:
            try:
                return self.once(what, call)
            except RetryError as error:
                self.wait(pause, error)
        try:
            return self.once(what, call)
        except RetryError as error:
            raise given_up(error) from error

    def wait(self, pause: float, error: RetryError) -> None:
        """Wait before the next try, as long as the Hub says, and say so. Raises `PublishError`."""
        told = seconds_told(error.__cause__)
        if told is not None:
            if told > LONGEST_WAIT:
                raise PublishError(
                    f"the Hub asks us to wait for {told:.0f} s: {error}",
                    mend=f"After that: {AGAIN}",
                ) from error
            pause = told + 1  # it tells whole seconds
        elif isinstance(error, OverloadedError) and not has_answer(error.__cause__):
            pause = max(pause, UNTOLD_WAIT)
        why = "asks us to wait" if isinstance(error, OverloadedError) else "did not answer well"
        self.watch.tell(f"The Hub {why} ({error.message}); trying again in {pause:.0f} s")
        time.sleep(pause)


def given_up(error: RetryError) -> PublishError:
    """Return the error that ends a publish after the last try."""
    return PublishError(f"the Hub does not answer well, tried often enough: {error}", mend=AGAIN)


@contextlib.contextmanager
def talking(watch: Watch) -> Iterator[None]:
    """Set the client up while the block runs: with time limits, without bars and log lines of its
    own; what it says of its own waiting, and of a card that the Hub finds fault with, goes to
    `watch`.
    """
    from huggingface_hub import set_client_factory
    from huggingface_hub.utils._http import default_client_factory
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    bars, ear = not are_progress_bars_disabled(), _Ear(watch)
    loud, waiting = logging.getLogger("huggingface_hub"), logging.getLogger(_WAITS)
    levels = loud.level, waiting.level, waiting.propagate
    loud.setLevel(logging.ERROR)
    waiting.setLevel(logging.WARNING)
    waiting.propagate = False
    waiting.addHandler(ear)
    set_client_factory(_client_with_limits)
    if bars:
        disable_progress_bars()
    try:
        with settings(), warnings.catch_warnings():
            warnings.showwarning = _teller(watch)
            yield
    finally:
        set_client_factory(default_client_factory)
        if bars:
            enable_progress_bars()
        waiting.removeHandler(ear)
        loud.setLevel(levels[0])
        waiting.setLevel(levels[1])
        waiting.propagate = levels[2]


def _teller(watch: Watch) -> Callable[..., None]:
    """Return what shows a warning: those for people, not those for developers."""

    def show(message: Warning | str, category: type[Warning], *_: object) -> None:
        if issubclass(category, UserWarning):
            watch.tell(str(message))

    return show


def _client_with_limits() -> httpx2.Client:
    import httpx2
    from huggingface_hub.utils._http import default_client_factory

    client = default_client_factory()
    client.timeout = httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
    return client


_WAITS: Final = "huggingface_hub.utils._http"
"""Logger on which the client says that it waits and tries again."""


class _Ear(logging.Handler):
    """Passes on that the client waits; its other lines hold addresses that open files."""

    def __init__(self, watch: Watch) -> None:
        super().__init__(logging.WARNING)
        self._watch = watch

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a line on."""
        said = record.getMessage()
        if said.startswith(("Rate limited", "Retrying")):
            self._watch.tell(f"The Hub is slow: {said[0].lower()}{said[1:]}")
