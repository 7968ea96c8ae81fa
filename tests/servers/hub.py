"""A Hub on this machine that has one model, out of a folder, gated or open.

The client is the real huggingface_hub, over HF_ENDPOINT. As huggingface.co does, it tells the
commit of a branch, the model's size, and who may not read it: `X-Error-Code` says why. It has what
a build asks of the Hub before it samples, and no more: nothing can be written to it.

    python -m tests.servers.hub --model ORG/NAME --folder builder/demo_model --token hf_x
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Serves `folder` as the model `model`; with `token`, to those alone who send it."""

    daemon_threads = True

    def __init__(self, model: str, folder: Path, token: str | None = None, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Answers)
        self.model, self.folder, self.token = model, folder, token

    @property
    def url(self) -> str:
        """For HF_ENDPOINT."""
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    """`/api/models/ORG/NAME...` and `/ORG/NAME/resolve/REVISION/FILE`."""

    server: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        api = parts[:2] == ["api", "models"]
        model, rest = "/".join(parts[2:4] if api else parts[:2]), parts[4 if api else 2 :]
        revision = rest[1] if len(rest) > 1 else "main"
        if model != self.server.model:
            self._refuse(404, "RepoNotFound")
        elif revision not in ("main", COMMIT):
            self._refuse(404, "RevisionNotFound")
        elif api and rest[:1] != ["auth-check"]:
            self._answer(json.dumps(self._info()).encode(), "application/json")
        elif self.server.token and self._token() != self.server.token:
            self._refuse(403 if self._token() else 401, "GatedRepo")
        else:
            self._file(rest[2:])

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def _token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def _info(self) -> dict[str, object]:
        files = sorted(path for path in self.server.folder.iterdir() if path.is_file())
        siblings = [{"rfilename": path.name, "size": path.stat().st_size} for path in files]
        gated = "manual" if self.server.token else False
        return {"id": self.server.model, "sha": COMMIT, "gated": gated, "siblings": siblings}

    def _file(self, parts: list[str]) -> None:
        path = self.server.folder.joinpath(*parts)
        if not parts or ".." in parts or not path.is_file():
            self._refuse(404, "EntryNotFound")
        else:
            self._answer(path.read_bytes(), "application/octet-stream")

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


@contextlib.contextmanager
def running_hub(model: str, folder: Path, token: str | None = None) -> Iterator[Hub]:
    """A Hub that answers while the block runs."""
    with Hub(model, folder, token) as hub:
        thread = threading.Thread(target=hub.serve_forever)
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--token")
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    with Hub(given.model, given.folder, given.token, given.port) as hub:
        print(f"export HF_ENDPOINT={hub.url}", flush=True)  # noqa: T201
        with contextlib.suppress(KeyboardInterrupt):
            hub.serve_forever()


if __name__ == "__main__":
    main()
