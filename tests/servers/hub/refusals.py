"""How the Hub refuses: a status, `X-Error-Message`, and `X-Error-Code` for what clients tell apart.

huggingface_hub takes a 401 without a code for "no such repository", but only over https. This Hub
speaks http, so it says the code, which leads the client to the same exception as the real one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.servers.hub.exchange import Answer, as_json

AUTHENTICATE = 'Bearer realm="Authentication required", charset="UTF-8"'


class Refusal(Exception):  # noqa: N818 - it is an answer, not an error of the server
    """An answer other than 2xx. `more` goes into its body beside `error`."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code
        self.headers, self.more = dict(headers or {}), dict(more or {})

    def answer(self) -> Answer:
        headers = {"X-Error-Message": " ".join(self.message.split())} | self.headers
        if self.code:
            headers["X-Error-Code"] = self.code
        if self.status == 401:
            headers["WWW-Authenticate"] = AUTHENTICATE
        return as_json({"error": self.message, **self.more}, self.status, headers)


def no_repository(known: bool) -> Refusal:
    """There is none, or it is private: strangers are not told which, nor that it is the latter."""
    if known:
        return Refusal(404, "Repository not found", "RepoNotFound")
    return Refusal(401, "Invalid username or password.", "RepoNotFound")


def no_revision(revision: str) -> Refusal:
    return Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")


def no_entry(commit: str | None = None, message: str = "Entry not found") -> Refusal:
    headers = {"X-Repo-Commit": commit} if commit else {}
    return Refusal(404, message, "EntryNotFound", headers)
