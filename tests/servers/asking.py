"""A plain HTTP call for the servers' own tests: no client of ours, nothing retried."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LONGEST = 30.0


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def events(self) -> list[Any]:
        """The data of each event; `[DONE]` stays a text."""
        data = [part[5:].strip() for part in self.text.split("\n\n") if part.startswith("data:")]
        return [one if one == "[DONE]" else json.loads(one) for one in data]

    @property
    def refusal(self) -> tuple[int, str, str]:
        """(status, error_type, error) of TGI's errors."""
        return self.status, self.json["error_type"], self.json["error"]


def ask(url: str, body: object = None, **headers: str) -> Reply:
    """POST `body` as JSON, or GET without one. Raises `OSError` when no whole answer comes."""
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", **headers} if data is not None else headers
    request = urllib.request.Request(url, data, sent)
    try:
        with urllib.request.urlopen(request, timeout=LONGEST) as answer:
            return Reply(answer.status, dict(answer.headers), answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, dict(error.headers), error.read().decode())
    except http.client.HTTPException as error:
        raise ConnectionResetError("half an answer") from error


def until(done: Callable[[], bool], seconds: float = LONGEST) -> None:
    """Wait until `done()` is true, looking often; fails after `seconds`."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)
