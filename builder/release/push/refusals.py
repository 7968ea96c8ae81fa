"""What a failed request to the Hub means: ask again, or stop, and why.

    PublishError         the release cannot be published as it is, or not to there
    ├── ConflictError      409 or 412: it is there already, or somebody was faster
    ├── AbsentError        404: no such repository, revision or file
    ├── ForbiddenError     401 or 403: the token does not allow it
    └── MovedError         another commit landed on the repository since it was read

What may succeed when it is asked again becomes `UnavailableError`, or `OverloadedError` for 429.
Statuses are those that huggingface_hub asks again for (`utils/_http.py`).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from builder.errors import MagpieError, OverloadedError, StopError, UnavailableError

if TYPE_CHECKING:
    import httpx2

PASSING: Final = frozenset({408, 500, 502, 503, 504})
"""Statuses of a server that may be well again in a moment."""

_QUERY: Final = re.compile(r"(https?://[^\s?'\"]+)\?[^\s'\"]*")


class PublishError(StopError):
    """The release cannot be published as it is, or not to there."""


class ConflictError(PublishError):
    """It is there already, or somebody was faster."""


class AbsentError(PublishError):
    """There is no such repository, revision or file, or it is hidden from this token."""


class ForbiddenError(PublishError):
    """The token does not allow it."""


class MovedError(PublishError):
    """Another commit landed on the repository since it was read: plan anew."""


def meaning(error: Exception, what: str, endpoint: str) -> MagpieError:
    """Return what a failure of `what` means to us. `endpoint` is the Hub's own address."""
    cause = _root(error)
    response = response_of(cause)
    said = f"{what}: {words(cause)}"
    if response is None:
        return _without_answer(cause, said)
    status = response.status_code
    if status == 429:
        return OverloadedError(said)
    elsewhere = not str(response.request.url).startswith(endpoint)
    if status in PASSING or elsewhere:  # a signed address of a storage may have grown too old
        return UnavailableError(said)
    kinds = {401: ForbiddenError, 403: ForbiddenError, 404: AbsentError}
    kinds |= {409: ConflictError, 412: ConflictError}
    return kinds.get(status, PublishError)(said, mend=_MENDS.get(status, ""))


_MENDS: Final = {
    401: "Make a token at https://huggingface.co/settings/tokens, then run `hf auth login`.",
    403: "Use a token that may write there: https://huggingface.co/settings/tokens",
    413: "Publish fewer files in one release.",
    422: "See https://status.huggingface.co; if all is well there, please report this.",
}


def _without_answer(cause: Exception, said: str) -> MagpieError:
    """A connection that broke may hold next time; a word that makes no sense will not change."""
    import httpx2

    broken = isinstance(cause, httpx2.HTTPError | ConnectionError | TimeoutError)
    if broken or isinstance(cause, json.JSONDecodeError):
        return UnavailableError(said)
    return PublishError(said)


def response_of(error: Exception) -> httpx2.Response | None:
    """Return the answer that an error tells of, if there was one."""
    found: httpx2.Response | None = getattr(error, "response", None)
    return found


def seconds_told(error: BaseException | None) -> float | None:
    """Return how long the Hub asks us to wait, in `RateLimit: "api";r=0;t=55` or `Retry-After`."""
    from huggingface_hub.utils._http import parse_ratelimit_headers

    response = response_of(_root(error)) if isinstance(error, Exception) else None
    if response is None:
        return None
    told = parse_ratelimit_headers(response.headers)
    if response.status_code == 429 and told is not None and told.remaining == 0:
        return float(told.reset_in_seconds)
    after = response.headers.get("Retry-After", "").strip()
    return float(after) if after.isdecimal() else None


def words(error: Exception) -> str:
    """Return what went wrong in one line, without the queries of addresses: some open files."""
    told = getattr(error, "server_message", None) or str(error) or type(error).__name__
    line = next((line.strip() for line in str(told).splitlines() if line.strip()), "")
    return _QUERY.sub(r"\1", line)


def _root(error: Exception) -> Exception:
    """Return the error itself where the client wraps it: uploads raise a plain RuntimeError."""
    if isinstance(error, RuntimeError) and isinstance(error.__cause__, Exception):
        return error.__cause__
    return error
