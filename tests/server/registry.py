"""A registry of images on 127.0.0.1, with one small image in it: the Docker Registry API, v2."""

import contextlib
import gzip
import hashlib
import io
import json
import random
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
LAYER_BYTES = 3_000_000


class Registry:
    """`gate` holds the layer back after its first half, until it is set. `asked` are all paths."""

    def __init__(self, seed):
        layer = _layer(seed)
        plain = gzip.decompress(layer)
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["KIND=test"], "Cmd": ["/none"]},
            "rootfs": {"type": "layers", "diff_ids": [_digest(plain)]},
        }
        self.blobs = {}
        self.gate = threading.Event()
        self.gate.set()
        self.asked = []
        kept = [self._keep(json.dumps(config).encode()), self._keep(layer)]
        kinds = ("container.image.v1+json", "image.rootfs.diff.tar.gzip")
        about = [
            {"mediaType": f"application/vnd.docker.{kind}", "size": size, "digest": digest}
            for kind, (digest, size) in zip(kinds, kept, strict=True)
        ]
        self.manifest = json.dumps(
            {"schemaVersion": 2, "mediaType": MANIFEST, "config": about[0], "layers": [about[1]]}
        ).encode()
        self.digest = _digest(self.manifest)

    def _keep(self, blob):
        self.blobs[_digest(blob)] = blob
        return _digest(blob), len(blob)

    def find(self, path):
        """(kind, bytes) of a path; None for what is not there."""
        _, _, end = path.partition("/v2/")
        if not end:
            return "application/json", b"{}"
        name, kind, reference = end.rsplit("/", 2)
        if kind == "manifests" and name == "org/image" and reference in ("1", self.digest):
            return MANIFEST, self.manifest
        if kind == "blobs" and reference in self.blobs:
            return "application/octet-stream", self.blobs[reference]
        return None


@contextlib.contextmanager
def registry(seed):
    """A registry that serves 127.0.0.1:PORT/org/image:1, and its name."""
    images = Registry(seed)

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.answer(body=False)

        def do_GET(self):
            self.answer(body=True)

        def answer(self, body):
            images.asked.append(self.path)
            kind, content = images.find(self.path) or ("application/json", b"")
            self.send_response(200 if content else 404)
            content = content or b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "none"}]}'
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Docker-Content-Digest", _digest(content))
            self.end_headers()
            if not body:
                return
            middle = len(content) // 2 if len(content) > LAYER_BYTES // 2 else len(content)
            with contextlib.suppress(OSError):
                self.wfile.write(content[:middle])
                if middle < len(content):
                    images.gate.wait(60)
                self.wfile.write(content[middle:])

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        images.name = f"127.0.0.1:{server.server_port}/org/image"
        try:
            yield images
        finally:
            images.gate.set()
            server.shutdown()
            thread.join()


def _layer(seed):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        info = tarfile.TarInfo("noise")
        info.size = LAYER_BYTES
        tar.addfile(info, io.BytesIO(random.Random(seed).randbytes(LAYER_BYTES)))
    return gzip.compress(packed.getvalue(), mtime=0)


def _digest(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
