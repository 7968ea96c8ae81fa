"""The few answers of Docker's API that a look at a machine needs, for machines unlike this one."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Engine(BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.split("?")[0]
        if path.endswith("/version"):
            self.answer(200, {"Version": "28.1.0", "ApiVersion": "1.44"})
        elif path.endswith("/info"):
            self.answer(200, self.server.info)  # type: ignore[attr-defined]
        elif self.server.env is None:  # type: ignore[attr-defined]
            self.answer(404, {"message": "No such image"})
        else:
            self.answer(200, {"Id": "sha256:1", "Config": {"Env": self.server.env}})  # type: ignore[attr-defined]

    def answer(self, status: int, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def docker_api(info: dict[str, Any], env: list[str] | None) -> Iterator[str]:
    """Answer as an engine whose `docker info` is `info`; `env` is its image's, None: not there.

    Gives its address.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), Engine)
    server.info, server.env = info, env  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"tcp://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
