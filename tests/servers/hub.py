"""A Hub on this machine that has one model, and data sets, out of folders, gated or open.

The client is the real huggingface_hub, over HF_ENDPOINT. As huggingface.co does, it tells the
commit of a branch, what a repository holds, and who may not read it: `X-Error-Code` says why. It
has what a build asks of the Hub before it samples, and no more: nothing can be written to it.

    python -m tests.servers.hub --model ORG/NAME --folder builder/demo_model --token hf_x
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Serves `folder` as the model `model`, and the folders of `datasets`, by their names.

    With `token`, files go to those alone who send it. `asked` holds the paths asked for.
    """

    daemon_threads = True

    def __init__(
        self,
        model: str,
        folder: Path,
        token: str | None = None,
        port: int = 0,
        datasets: Mapping[str, Path] | None = None,
    ) -> None:
        super().__init__(("127.0.0.1", port), Answers)
        self.model, self.folder, self.token = model, folder, token
        self.datasets = dict(datasets or {})
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        """For HF_ENDPOINT."""
        return f"http://127.0.0.1:{self.server_port}"

    def holds(self, kind: str, name: str) -> Path | None:
        """The folder of a repository; None where there is none."""
        if kind == "datasets":
            return self.datasets.get(name)
        return self.folder if name == self.model else None


class Answers(BaseHTTPRequestHandler):
    """`/api/KIND/ORG/NAME...` and `/ORG/NAME/resolve/REVISION/FILE`, after `datasets/` for those.

    KIND is `models` or `datasets`. What comes after the name: nothing or `revision/REVISION` for
    what the repository is, `tree/REVISION` for its files, `auth-check`.
    """

    server: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.server.asked.append(f"{self.command} {path}")
        parts = unquote(path).strip("/").split("/")
        api = parts[:1] == ["api"]
        parts = parts[1:] if api else parts
        kind = parts[0] if parts[0] in ("models", "datasets") else "models"
        parts = parts[1:] if parts[0] in ("models", "datasets") else parts
        name, rest = "/".join(parts[:2]), parts[2:]
        folder = self.server.holds(kind, name)
        if folder is None:
            # The real Hub does not tell strangers what is private from what is not there.
            self._refuse(404, "RepoNotFound")
        elif (rest[1] if len(rest) > 1 else "main") not in ("main", COMMIT):
            self._refuse(404, "RevisionNotFound")
        elif api and rest[:1] == ["tree"]:
            self._json(_tree(folder))
        elif api and rest[:1] != ["auth-check"]:
            self._json(self._info(name, folder))
        elif self.server.token and self._token() != self.server.token:
            self._refuse(403 if self._token() else 401, "GatedRepo")
        else:
            self._file(folder, rest[2:])

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def _token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def _info(self, name: str, folder: Path) -> dict[str, object]:
        siblings = [{"rfilename": one["path"], "size": one["size"]} for one in _tree(folder)]
        gated = "manual" if self.server.token else False
        return {"id": name, "sha": COMMIT, "gated": gated, "siblings": siblings}

    def _file(self, folder: Path, parts: list[str]) -> None:
        path = folder.joinpath(*parts)
        if not parts or ".." in parts or not path.is_file():
            self._refuse(404, "EntryNotFound")
        else:
            self._answer(path.read_bytes(), "application/octet-stream")

    def _json(self, value: object) -> None:
        self._answer(json.dumps(value).encode(), "application/json")

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{_oid(body)}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


def _tree(folder: Path) -> list[dict[str, object]]:
    """All files of a repository, as `/tree?recursive=true` lists them; folders are left out."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [
        {
            "type": "file",
            "path": path.relative_to(folder).as_posix(),
            "size": path.stat().st_size,
            "oid": _oid(path.read_bytes()),
        }
        for path in files
    ]


def _oid(body: bytes) -> str:
    return hashlib.sha1(body, usedforsecurity=False).hexdigest()


@contextlib.contextmanager
def running_hub(
    model: str,
    folder: Path,
    token: str | None = None,
    datasets: Mapping[str, Path] | None = None,
) -> Iterator[Hub]:
    """A Hub that answers while the block runs."""
    with Hub(model, folder, token, datasets=datasets) as hub:
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
