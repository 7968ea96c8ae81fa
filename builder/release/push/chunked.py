"""Xet, the Hub's storage in chunks: what hf_xet is told, and what it is made to forget.

With huggingface_hub 2.4 large files go to that storage only, by a library of its own: hf_xet. What
is said of it here was traced on the wire with version 1.8.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from typing import Final

SETTINGS: Final = {"HF_XET_CLIENT_RETRY_MAX_DURATION": "20s"}
"""What hf_xet reads from the environment: its pauses treble, and the fifth one would be 4 minutes
long without a word. What a person has set stands."""


CACHE: Final = "HF_XET_CACHE"
"""Variable that tells hf_xet where its notes lie; it is read when a session begins."""


def is_chunked() -> bool:
    """Tell whether the client uploads over Xet: it is there, and HF_HUB_DISABLE_XET is not set."""
    from huggingface_hub.utils._runtime import is_xet_available

    return bool(is_xet_available())


@contextlib.contextmanager
def settings() -> Iterator[None]:
    """Set hf_xet up by the environment while the block runs; processes that we start get it too."""
    ours = {name: value for name, value in SETTINGS.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)


@contextlib.contextmanager
def forgetting() -> Iterator[None]:
    """Hide from hf_xet what this machine remembers of the storage while the block runs.

    It remembers for weeks which chunks it sent. Of a repository that was deleted in the meantime
    they may be gone, and every upload that counts on them is refused.
    """
    from huggingface_hub.utils import _xet

    with tempfile.TemporaryDirectory(prefix="magpie-xet-") as folder:
        before = os.environ.get(CACHE)
        os.environ[CACHE] = folder
        _xet.abort_xet_session()  # type: ignore[no-untyped-call]
        try:
            yield
        finally:
            _xet.abort_xet_session()  # type: ignore[no-untyped-call]
            if before is None:
                del os.environ[CACHE]
            else:
                os.environ[CACHE] = before
