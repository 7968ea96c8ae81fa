"""What goes wrong with a chosen request.

kind            what happens                                    does it take effect?
error           `status` is answered, 500 unless told           no
limited         429, to be asked again in `seconds`             no
reset_before    the connection is reset, the body unread        no
reset_request   ... within the body of the request              no
reset_unheard   ... after it, before anything is done           no
reset_answer    ... within the answer                           yes
lost            ... instead of the answer                       yes
error_late      500 is answered; the real Hub has done so       yes
                (huggingface/datasets, pull request 7708)
stall           nothing for `seconds`, then all as usual        yes, late
flipped         one bit of the answer's body is another         yes

`flipped` is none of KINDS: nobody can do anything about it but where the body has a checksum.

hub.faults.strike(Fault("lost"), route="commit")
hub.faults.strike(Fault("error", status=503), nth=3, times=2)
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

BEFORE = ("error", "limited", "reset_before", "reset_request", "reset_unheard")
KINDS = (*BEFORE, "reset_answer", "lost", "error_late", "stall")
ALL = (*KINDS, "flipped")


@dataclass(frozen=True)
class Fault:
    """One fault; see the module."""

    kind: str
    status: int = 500
    seconds: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in ALL:
            raise ValueError(f"no fault is called {self.kind!r}; there are {', '.join(ALL)}")


@dataclass
class Armed:
    """A fault that waits for its requests."""

    fault: Fault
    route: str | None
    skip: int
    times: int


class Faults:
    """All that is to go wrong from now on."""

    def __init__(self) -> None:
        self._armed: list[Armed] = []
        self._lock = threading.Lock()

    def strike(
        self, fault: Fault, *, route: str | None = None, nth: int = 0, times: int = 1
    ) -> None:
        """Strike the `nth` request from now, counted from 0, and the `times - 1` after it.

        With `route` only requests of that route count; `Asked.route` in the log has their names.
        """
        with self._lock:
            self._armed.append(Armed(fault, route, nth, times))

    def clear(self) -> None:
        with self._lock:
            self._armed.clear()

    def take(self, route: str) -> Fault | None:
        """What goes wrong with the next request of a route."""
        with self._lock:
            due = None
            for armed in [one for one in self._armed if one.route in (None, route)]:
                if armed.skip:
                    armed.skip -= 1
                elif due is None:
                    due = armed
            if due is None:
                return None
            due.times -= 1
            if not due.times:
                self._armed.remove(due)
            return due.fault
