"""Data as a page carries it: JSON, packed with gzip, in letters that no HTML can be made of."""

from __future__ import annotations

import base64
import gzip
import json

from builder.text import writable

LEVEL = 6
"""Of gzip: 9 takes three times as long for one per cent."""


def packed(data: object) -> str:
    """Return data as base64 of gzipped JSON: letters, digits, `+`, `/` and `=`.

    Whatever a model wrote, a page that holds this cannot be broken by it. Half a surrogate pair,
    which UTF-8 cannot say, becomes the replacement character. The same data give the same text.
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    content = gzip.compress(writable(text).encode(), LEVEL, mtime=0)
    return base64.b64encode(content).decode("ascii")
