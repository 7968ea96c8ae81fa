"""The exception tree, typed by what the caller should do.

    MagpieError
    ├── StopError            stop: nothing more can succeed until a person mends it (exit 1)
    │   ├── UsageError         a command was given something it cannot take (exit 2)
    │   ├── RecipeError        a recipe has faults; carries all of them (exit 2)
    │   ├── TemplateError      no pre-query template can be derived (exit 2)
    │   ├── RunError           a run directory cannot be used as asked
    │   │   ├── RunLockedError   another process holds it
    │   │   └── RunChangedError  its rows were sampled from something else (exit 2)
    │   ├── EngineError        the engine cannot serve this recipe at all
    │   ├── ServerError        a container cannot be started, or was given up
    │   │   └── PrerequisiteError  this machine lacks what it needs; carries all that is missing
    │   ├── MissingExtraError  an optional package is not installed
    │   ├── StorageError       the disk refuses: full, read-only, too large
    │   └── InterruptedRunError  stopped by Ctrl-C or a budget; the run can go on (exit 3)
    ├── RetryError           ask again: the same request may succeed
    │   ├── OverloadedError    with fewer requests in flight
    │   ├── UnavailableError   once the server is back
    │   ├── FailedGenerationError  after a pause: the model failed on this request
    │   └── BrokenStreamError  at once: the stream ended before its end
    │       └── StalledError     with fewer requests in flight: nothing came before the deadline
    └── RowError             give this row up and keep its reason; the others go on

Every message says what was wrong, where, and what was seen; `mend` says what to write or run next.
"""

from __future__ import annotations

from typing import ClassVar


class MagpieError(Exception):
    """Anything this package raises on purpose.

    `message` says what was wrong, where, and what was seen. `mend` says what to do next and may
    be empty where nothing can be done. `exit_status` is what the command line ends with.
    """

    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, *, mend: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.message}\n{self.mend}" if self.mend else self.message


class StopError(MagpieError):
    """Stop: nothing more can succeed until a person mends it."""


class UsageError(StopError):
    """A command was given something that it cannot take."""

    exit_status = 2


class RecipeError(StopError):
    """A recipe has faults. `faults` holds them all, in the order of their lines."""

    exit_status = 2

    def __init__(self, message: str, *, faults: tuple[str, ...] = (), mend: str = "") -> None:
        super().__init__(message, mend=mend)
        self.faults = faults

    def __str__(self) -> str:
        return "\n".join([*self.faults, super().__str__()])


class TemplateError(StopError):
    """The pre-query template cannot be derived from the tokenizer files."""

    exit_status = 2


class RunError(StopError):
    """A run directory cannot be used as asked."""


class RunLockedError(RunError):
    """Another process works on this run."""


class RunChangedError(RunError):
    """The recipe differs in what shaped the rows that this run already holds."""

    exit_status = 2


class EngineError(StopError):
    """The engine cannot serve this recipe: wrong model file, refused request, cannot start."""


class ServerError(StopError):
    """A container of ours cannot be started, or died too often and was given up."""


class PrerequisiteError(ServerError):
    """This machine lacks what a server needs. `missing` holds a line a need, with its mend."""

    def __init__(self, message: str, *, missing: tuple[str, ...] = (), mend: str = "") -> None:
        super().__init__(message, mend=mend)
        self.missing = missing

    def __str__(self) -> str:
        return "\n".join([self.message, *self.missing, *([self.mend] if self.mend else [])])


class MissingExtraError(StopError):
    """An optional package is needed and not installed; `mend` is the exact install line."""


class StorageError(StopError):
    """The disk refuses to take what has to be written."""


class InterruptedRunError(StopError):
    """The run was stopped by Ctrl-C or a budget. It is whole and can go on."""

    exit_status = 3


class RetryError(MagpieError):
    """The same request may succeed when it is asked again."""


class OverloadedError(RetryError):
    """The server has too much to do: ask again, with fewer requests in flight."""


class UnavailableError(RetryError):
    """The server does not answer now: ask again once it is back."""


class FailedGenerationError(RetryError):
    """The server tried this request and failed on it: ask again a few times, after a pause."""


class BrokenStreamError(RetryError):
    """A stream ended before its end, or held what is no event of the protocol."""


class StalledError(BrokenStreamError):
    """A request was cancelled by us: its next token, or its answer, did not come in time."""


class RowError(MagpieError):
    """This request can never succeed, others can: give the row up and keep the reason."""
