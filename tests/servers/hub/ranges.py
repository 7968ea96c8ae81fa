"""A file or the part of it that a `Range` header asks for (RFC 9110, 14)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tests.servers.hub.exchange import Answer, Piece, Request

RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def ranged(request: Request, path: Path, headers: Mapping[str, str]) -> Answer:
    """200, 206 or 416. Several ranges at once, which may be ignored, are."""
    size = path.stat().st_size
    told = {"Accept-Ranges": "bytes", "Content-Type": "application/octet-stream", **headers}
    asked = RANGE.fullmatch(request.headers.get("Range", ""))
    if asked is None or asked[0] == "bytes=-":
        return Answer(200, told, Piece(path, 0, size))
    first, last = asked.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last), size - 1) if first and last else size - 1
    if start > end:
        return Answer(416, {**told, "Content-Range": f"bytes */{size}"})
    told["Content-Range"] = f"bytes {start}-{end}/{size}"
    return Answer(206, told, Piece(path, start, end - start + 1))
