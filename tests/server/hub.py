"""A Hub on this machine: models, their sizes, who may read them. Its client is the real one."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "c" * 40
GOOD, STRANGER, BAD = "hf_good", "hf_stranger", "hf_bad"
"""Tokens: one with access to the gated model, one without, and one that the Hub does not know."""

CONFIG = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
}
PARAMETERS = 8_030_261_248
SHARDS = {
    "model-00001-of-00002.safetensors": (10_000_000_000, "a" * 64),
    "model-00002-of-00002.safetensors": (6_060_522_496, "b" * 64),
    "original/consolidated.00.pth": (16_060_617_592, "d" * 64),
}
MODELS = {"org/open": False, "org/gated": "manual"}


class Hub(BaseHTTPRequestHandler):
    """Answers as huggingface.co does: `/api/models/...` and `/ORG/NAME/resolve/REVISION/FILE`."""

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        api = parts[:2] == ["api", "models"]
        model, rest = "/".join(parts[2:4] if api else parts[:2]), parts[4 if api else 2 :]
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token == BAD:
            message = "Invalid credentials in Authorization header"
            return self.refuse(401, {"X-Error-Message": message})
        if model not in MODELS:
            return self.refuse(404 if token else 401, {"X-Error-Code": "RepoNotFound"})
        if rest[0] in ("revision", "resolve") and rest[1] not in ("main", COMMIT):
            return self.refuse(404, {"X-Error-Code": "RevisionNotFound"})
        if rest[0] != "revision" and MODELS[model] and token != GOOD:
            return self.refuse(403 if token else 401, {"X-Error-Code": "GatedRepo"})
        if rest[0] == "resolve" and rest[2] != "config.json":
            return self.refuse(404, {"X-Error-Code": "EntryNotFound"})
        return self.answer(_info(model) if rest[0] == "revision" else CONFIG)

    def refuse(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def answer(self, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *args):
        pass


def _info(model: str) -> dict[str, Any]:
    small = [{"rfilename": "config.json", "size": 654, "blobId": "e" * 40}]
    large = [
        {
            "rfilename": name,
            "size": size,
            "blobId": "f" * 40,
            "lfs": {"sha256": sha, "size": size, "pointerSize": 135},
        }
        for name, (size, sha) in SHARDS.items()
    ]
    return {
        "id": model,
        "sha": COMMIT,
        "gated": MODELS[model],
        "siblings": small + large,
        "safetensors": {"parameters": {"BF16": PARAMETERS}, "total": PARAMETERS},
    }


@contextlib.contextmanager
def running_hub() -> Iterator[ThreadingHTTPServer]:
    """A Hub that answers; `asked` lists the paths that it was asked for."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
