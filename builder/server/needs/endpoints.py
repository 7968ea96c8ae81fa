"""Whether servers that run already answer: asked of all at once, and quickly."""

from __future__ import annotations

import http.client
import ssl
from functools import partial
from urllib.parse import urlsplit

from builder.engines.remote.model import api_key, shown
from builder.errors import UsageError
from builder.recipe.engine_spec import RemoteEngineSpec
from builder.server.needs.background import Background
from builder.server.needs.finding import Finding

CONNECT_SECONDS = 3.0
"""How long a server may take to take a connection."""

ANSWER_SECONDS = 10.0
"""How long one that took it may take to answer: a busy one is slow, and fine."""

PATHS = ("/health", "/v1/models")
"""What TGI, vLLM, SGLang and llama.cpp answer without work; the second for what lacks the first."""


def endpoint_findings(spec: RemoteEngineSpec, *, writes: bool = True) -> list[Finding]:
    """Ask each endpoint of a recipe whether it is there; `writes`: it should serve completions."""
    asked = [(url, Background(partial(_ask, url, spec))) for url in spec.endpoint]
    return [
        _judge(shown(url), answer.within(CONNECT_SECONDS + ANSWER_SECONDS), writes=writes)
        for url, answer in asked
    ]


def _judge(url: str, answer: int | str | Finding | None, *, writes: bool) -> Finding:
    """`answer` is a status of HTTP, or why there was none."""
    if isinstance(answer, Finding):
        return answer
    if answer is None:
        answer = f"no answer in {CONNECT_SECONDS + ANSWER_SECONDS:.0f} s"
    if isinstance(answer, str):
        mend = "Start the server, or mend engine.endpoint"
        return Finding("endpoint", False, f"{url}: {answer}", mend)
    if answer in (401, 403):
        mend = "Name the variable that holds its key: `--set engine.api_key_env=NAME`"
        return Finding("endpoint", False, f"{url} wants a key that it knows ({answer})", mend)
    if answer >= 500:
        mend = "Wait until it has loaded its model, or see its log"
        return Finding("endpoint", False, f"{url} is not ready ({answer})", mend)
    if answer == 404 and writes:
        mend = "The address ends before /v1 and /generate, such as http://localhost:8080"
        return Finding("endpoint", False, f"{url} has neither {' nor '.join(PATHS)}", mend)
    return Finding("endpoint", fine=True, found=f"{url} answers")


def _ask(url: str, spec: RemoteEngineSpec) -> int | str | Finding:
    try:
        headers = api_key(url, spec).headers
    except UsageError as error:
        return Finding("endpoint", False, error.message, error.mend)
    status: int | str = 404
    for path in PATHS:
        status = _get(url, path, headers)
        if status not in (404, 405):
            break
    return status


def _get(url: str, path: str, headers: dict[str, str]) -> int | str:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=CONNECT_SECONDS)
    base = parts.path.rstrip("/").removesuffix("/v1")
    try:
        connection.connect()
        connection.sock.settimeout(ANSWER_SECONDS)
        connection.request("GET", base + path, headers=headers)
        return connection.getresponse().status
    except ssl.SSLError as error:
        return f"no secure connection ({error.reason})"
    except TimeoutError:
        return "no answer in time"
    except (OSError, http.client.HTTPException) as error:
        return f"no answer ({getattr(error, 'strerror', None) or error})"
    finally:
        connection.close()
