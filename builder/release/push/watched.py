"""An upload over Xet with somebody who looks on: how far it is, whether anything moves, Ctrl-C.

Three things hf_xet 1.8, traced on the wire, leaves to us:

- it waits for the end of a shard without a time limit, for anything else 5 minutes and six times;
- while it asks the Hub for its token it hears no Ctrl-C;
- it tells how far it is to the client's bars on a terminal alone.

So it works in a thread, and in the place of the bars stands a clock of ours.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

SILENT_SECONDS: Final = 180.0
"""Seconds without any progress after which an upload counts as lost, as any other request does.
Each half megabyte that leaves is progress, so a slow line is well; hf_xet's own pauses are shorter,
see `chunked.SETTINGS`."""

_OF_SHARDS: Final = (
    "total_shard_bytes_upload_completed",
    "total_shard_validation_entries_completed",
    "total_shards_completed",
)
"""What a report counts of the end of an upload."""

LOOK_SECONDS: Final = 0.1
"""Seconds between two looks at the clock."""

LEAVE_SECONDS: Final = 5.0
"""Seconds that an upload that was told to stop has for it; then it is left alone."""


class Clock:
    """In the place of the client's bars. `told` gets the bytes of files that are done so far."""

    def __init__(self, told: Callable[[int], None]) -> None:
        self._told = told
        self._moved: float | None = None
        self._seen: tuple[int, ...] = ()

    def begin(self) -> Clock:
        """Start: what the client asks the Hub before has its own limits."""
        self._moved = time.monotonic()
        return self

    @property
    def stands(self) -> bool:
        """Whether nothing moved for too long."""
        return self._moved is not None and time.monotonic() - self._moved > SILENT_SECONDS

    def update_progress(self, report: Any, _items: object) -> None:
        """Take hf_xet's report of all files of an upload."""
        shard = getattr(report, "shard", None)  # older ones have none
        seen = (
            report.total_bytes_completed,
            report.total_transfer_bytes_completed,
            *(getattr(shard, name, 0) for name in _OF_SHARDS),
        )
        if seen == self._seen:
            return
        self._seen, self._moved = seen, time.monotonic()
        self._told(min(report.total_bytes_completed, report.total_bytes))

    def close(self) -> None:
        """Nothing is on the screen."""


class _Outcome:
    """Keeps what a block raised for another thread; `over` is set when the block has ended."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.error: BaseException | None = None

    def __enter__(self) -> None:
        """Nothing is to be begun."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        """Keep the error, and tell that it is over."""
        self.error = error
        self.over.set()
        return True


def watched(call: Callable[[], None], told: Callable[[int], None]) -> None:
    """Upload in a thread. Raises what `call` raises, `KeyboardInterrupt` at once, and
    `TimeoutError` when nothing moved for `SILENT_SECONDS`.
    """
    clock, outcome = Clock(told), _Outcome()

    def work() -> None:
        with outcome:
            call()

    with _looking_on(clock):
        threading.Thread(target=work, name="upload", daemon=True).start()
        try:
            while not outcome.over.wait(LOOK_SECONDS):
                if clock.stands:
                    raise TimeoutError(f"nothing moved for {SILENT_SECONDS:.0f} s")
        finally:
            if not outcome.over.is_set():
                _abort(outcome.over)
    if outcome.error is not None:
        raise outcome.error


def _abort(over: threading.Event) -> None:
    """End the upload. Where hf_xet does not let go, its thread is left behind."""
    from huggingface_hub.utils import _xet

    _xet.abort_xet_session()  # type: ignore[no-untyped-call]
    over.wait(LEAVE_SECONDS)


@contextlib.contextmanager
def _looking_on(clock: Clock) -> Iterator[None]:
    """Let the client report to the clock, and to no bar, while the block runs."""
    from huggingface_hub import utils
    from huggingface_hub.utils import _xet_progress_reporting

    client: Any = utils
    reporting: Any = _xet_progress_reporting
    bars, disabled = reporting.XetUploadProgressReporter, client.are_progress_bars_disabled
    reporting.XetUploadProgressReporter = clock.begin
    client.are_progress_bars_disabled = lambda *_: False
    try:
        yield
    finally:
        reporting.XetUploadProgressReporter = bars
        client.are_progress_bars_disabled = disabled
