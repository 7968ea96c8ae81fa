"""What all engines behind an address need: the model's own texts, the key, the connection."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from builder.engines.remote.errors import Where, refusal
from builder.engines.remote.http import Server
from builder.errors import UsageError
from builder.recipe.engine_spec import RemoteEngineSpec

_HUB_HOSTS = ("huggingface.co", "huggingface.cloud", "hf.space")


@dataclass(frozen=True)
class RemoteModel:
    """What an engine must know of the model that a server serves.

    `bos` is the begin-of-text token as the template writes it, maybe ''. `encode` gives what turns
    a text into the model's token ids; it adds none, and raises `TemplateError` where the model has
    no tokenizer files. `tokenizer_file` is the `tokenizer.json` that it reads, for processes that
    speak to the server in our place.
    """

    bos: str
    encode: Callable[[], Callable[[str], list[int]]]
    tokenizer_file: Path | None = None


@dataclass(frozen=True)
class ApiKey:
    """A key and where it is from; both None where none is sent."""

    key: str | None
    source: str | None

    def __repr__(self) -> str:
        return f"ApiKey(source={self.source!r})"

    @property
    def headers(self) -> dict[str, str]:
        """The header that carries it."""
        return {"authorization": f"Bearer {self.key}"} if self.key else {}


def api_key(endpoint: str, spec: RemoteEngineSpec) -> ApiKey:
    """Return the key for a server: the variable that the recipe names, else the Hub's for its own.

    HF_TOKEN or a stored login goes to hosts of Hugging Face over https only: anybody could be
    behind another address. Raises `UsageError` when the named variable is not set, or holds what
    no header can carry.
    """
    if spec.api_key_env is not None:
        return _checked(os.environ.get(spec.api_key_env, "").strip(), spec.api_key_env)
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    hub = any(host == known or host.endswith(f".{known}") for known in _HUB_HOSTS)
    if not hub or parts.scheme != "https":
        return ApiKey(None, None)
    from huggingface_hub import get_token  # slow to import

    token = get_token()
    source = "HF_TOKEN" if os.environ.get("HF_TOKEN") else "the login of `hf auth login`"
    return _checked(token, source) if token else ApiKey(None, None)


def _checked(key: str, source: str) -> ApiKey:
    if not key:
        raise UsageError(
            f"engine.api_key_env names {source}, and this environment variable is not set",
            mend=f"Put the key there: export {source}=...",
        )
    if not (key.isascii() and key.isprintable()):
        raise UsageError(
            f"the key from {source} holds a character that no HTTP header can carry",
            mend="Set it anew, without line breaks.",
        )
    return ApiKey(key, source)


def where_of(endpoint: str, key: ApiKey, protocol: str) -> Where:
    """Return what errors say of a server. `protocol` names what it should speak."""
    return Where(shown(endpoint), protocol, key.key, key.source)


def shown(endpoint: str) -> str:
    """Return an address without a user, a password, a query."""
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"


def open_server(endpoint: str, spec: RemoteEngineSpec, protocol: str) -> tuple[Server, Where]:
    """Return a client for a server, with the key that `spec` gives it, and how errors name it.

    Raises `UsageError`.
    """
    key = api_key(endpoint, spec)
    where = where_of(endpoint, key, protocol)
    return Server(endpoint, key.headers, partial(refusal, where)), where
