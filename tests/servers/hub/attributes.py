"""Which files go to LFS, and which are ignored: `.gitattributes` and `.gitignore`.

`ATTRIBUTES` is what the Hub puts into each new data set (read in public data sets).
"""

from __future__ import annotations

import re

from tests.servers.hub.git import parents

COMPRESSED = """
    *.7z *.arrow *.avro *.bin *.bz2 *.ckpt *.ftz *.gz *.h5 *.joblib *.lfs.* *.lz4 *.mds *.mlmodel
    *.model *.msgpack *.npy *.npz *.onnx *.ot *.parquet *.pb *.pickle *.pkl *.pt *.pth *.rar
    *.safetensors saved_model/**/* *.tar.* *.tar *.tflite *.tgz *.wasm *.xz *.zip *.zst *tfevents*
"""
MEDIA = """
    *.pcm *.sam *.raw *.aac *.flac *.mp3 *.ogg *.wav *.bmp *.gif *.png *.tiff *.jpg *.jpeg *.webp
    *.mp4 *.webm
"""
ATTRIBUTES = "".join(
    f"{pattern} filter=lfs diff=lfs merge=lfs -text\n" for pattern in (COMPRESSED + MEDIA).split()
)
LARGEST_REGULAR = 10 * 1024 * 1024
"""Bytes; what is longer goes to LFS whatever its name (Hub documentation, "Uploading files")."""

SAMPLE = 512
"""Bytes of each file that the client sends with `preupload`."""


def upload_mode(path: str, size: int, sample: bytes, attributes: str) -> str:
    """`lfs` or `regular`, by name, by size, or because the first 512 bytes are no text."""
    if size == 0:
        return "regular"
    if in_lfs(path, attributes) or size > LARGEST_REGULAR or is_binary(sample):
        return "lfs"
    return "regular"


def is_binary(sample: bytes) -> bool:
    """No UTF-8, or a zero in it. The last letter of a whole sample may be cut."""
    try:
        sample.decode()
    except UnicodeDecodeError as error:
        return len(sample) < SAMPLE or error.start < SAMPLE - 3
    return b"\0" in sample


def in_lfs(path: str, attributes: str) -> bool:
    """The last line that matches decides."""
    found = False
    for line in attributes.splitlines():
        pattern, *told = line.split() or [""]
        if pattern and not pattern.startswith("#") and _matches(pattern, path):
            filters = [one for one in told if one.lstrip("-!").split("=")[0] == "filter"]
            found = filters[-1] == "filter=lfs" if filters else found
    return found


def is_ignored(path: str, patterns: str) -> bool:
    """By a pattern for it or for a folder that holds it; the last that matches decides."""
    found = False
    for line in (line.strip() for line in patterns.splitlines()):
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!")
        tried = parents(path) if pattern.endswith("/") else [path, *parents(path)]
        if any(_matches(pattern.rstrip("/"), one) for one in tried):
            found = not line.startswith("!")
    return found


def _matches(pattern: str, path: str) -> bool:
    """A pattern without a slash is held against the last part of the path."""
    if "/" not in pattern:
        path = path.rpartition("/")[2]
    return re.fullmatch(_expression(pattern.lstrip("/")), path) is not None


def _expression(pattern: str) -> str:
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]]+\])", pattern)
    return "".join(
        signs.get(part, part if part.startswith("[") else re.escape(part)) for part in parts
    )
