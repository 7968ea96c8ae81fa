"""What a failed request to the Hub means: ask again, or stop, and why.

    PublishError         the release cannot be published as it is, or not to there
    ├── ConflictError      409 or 412: it is there already, or somebody was faster
    ├── AbsentError        404: no such repository, revision or file
    ├── ForbiddenError     401 or 403: the token does not allow it
    ├── ChunksError        the storage does not take what hf_xet sent
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

_ANSWERED: Final = re.compile(
    r".*HTTP status \w+ error \((?P<status>\d{3}) (?P<reason>[^)]*)\), domain: (?P<url>\S+).*"
)
_UNHEARD: Final = re.compile(r".*error sending request for url \((?P<url>[^)]*)\).*")
_CHUNKED: Final = (
    (_ANSWERED, r"\g<status> \g<reason> from \g<url>"),
    (_UNHEARD, r"no answer from \g<url>"),
    (re.compile(r".*error decoding response body.*"), "an answer broke off"),
)
"""How hf_xet 1.8 words what went wrong, and what people read of it."""


class PublishError(StopError):
    """The release cannot be published as it is, or not to there."""


class ConflictError(PublishError):
    """It is there already, or somebody was faster."""


class AbsentError(PublishError):
    """There is no such repository, revision or file, or it is hidden from this token."""


class ForbiddenError(PublishError):
    """The token does not allow it."""


class ChunksError(PublishError):
    """The storage does not take what hf_xet sent: a chunk that it should have is not there, or a
    file is not what it was a moment ago.
    """


class MovedError(PublishError):
    """Another commit landed on the repository since it was read: plan anew."""


def meaning(error: Exception, what: str, endpoint: str) -> MagpieError:
    """Return what a failure of `what` means to us. `endpoint` is the Hub's own address."""
    cause = _root(error)
    said = f"{what}: {words(cause)}"
    answer = _answer(cause)
    if answer is None:
        return _without_answer(cause, said)
    status, url = answer
    if status == 429:
        return OverloadedError(said)
    chunked = response_of(cause) is None and _TOKEN_ROUTE not in url
    elsewhere = chunked or not url.startswith(endpoint)
    if chunked and status in _NOT_TAKEN:
        return ChunksError(said, mend=_UNCHANGED)
    if status in PASSING or elsewhere:  # a signed address of a storage may have grown too old
        return UnavailableError(said)
    kinds = {401: ForbiddenError, 403: ForbiddenError, 404: AbsentError}
    kinds |= {409: ConflictError, 412: ConflictError}
    return kinds.get(status, PublishError)(said, mend=_MENDS.get(status, ""))


_TOKEN_ROUTE: Final = "/xet-write-token/"
"""What hf_xet asks of the Hub itself; all else that it tells of is the storage's answer, wherever
that stands."""

_NOT_TAKEN: Final = frozenset({400, 404, 413, 422})
"""Statuses by which the storage says that asking again with the same will not help."""

_UNCHANGED: Final = (
    "See that nothing writes to the release meanwhile, then run the same command again."
)

_MENDS: Final = {
    401: "Make a token at https://huggingface.co/settings/tokens, then run `hf auth login`.",
    403: "Use a token that may write there: https://huggingface.co/settings/tokens",
    413: "Publish fewer files in one release.",
    422: "See https://status.huggingface.co; if all is well there, please report this.",
}


def _answer(cause: Exception) -> tuple[int, str] | None:
    """Return the status of an answer, and who gave it; None where none came.

    hf_xet raises ConnectionError for everything, and tells the answer in its words alone.
    """
    response = response_of(cause)
    if response is not None:
        return response.status_code, str(response.request.url)
    found = _ANSWERED.search(str(cause)) if isinstance(cause, OSError) else None
    return (int(found["status"]), found["url"]) if found else None


CLUMSY: Final = (RuntimeError, ValueError, LookupError, TypeError)
"""What the client raises, too: RuntimeError for uploads, ValueError for answers that it refuses,
and the others for answers that lack what it reads from them."""


def has_answer(error: BaseException | None) -> bool:
    """Tell whether an error comes with an answer that was heard, and could have told the time."""
    return isinstance(error, Exception) and response_of(_root(error)) is not None


def _without_answer(cause: Exception, said: str) -> MagpieError:
    """A connection that broke may hold next time; a word that makes no sense will not change."""
    import httpx2

    if isinstance(cause, httpx2.UnsupportedProtocol | httpx2.InvalidURL):
        return PublishError(said, mend="HF_ENDPOINT has to be an address: https://huggingface.co")
    if isinstance(cause, LookupError | TypeError):
        return UnavailableError(f"{said} ({type(cause).__name__}: the answer lacks something)")
    broken = isinstance(cause, httpx2.HTTPError | ConnectionError | TimeoutError)
    if broken or isinstance(cause, json.JSONDecodeError):
        return UnavailableError(said)
    if isinstance(cause, OSError) and "I/O error" in said:
        from huggingface_hub import constants

        where = constants.HF_XET_CACHE
        return PublishError(said, mend=f"Is there room in {where}, and can it be written to?")
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
    lines = [line.strip() for line in str(told).splitlines() if line.strip()]
    line = " ".join(lines[:2] if lines and lines[0].endswith(":") else lines[:1])
    for pattern, better in _CHUNKED:
        line = pattern.sub(better, line)
    return _QUERY.sub(r"\1", line)


def _root(error: Exception) -> Exception:
    """Return the error itself where the client wraps it: uploads raise a plain RuntimeError."""
    if isinstance(error, RuntimeError) and isinstance(error.__cause__, Exception):
        return error.__cause__
    return error
