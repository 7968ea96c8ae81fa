"""llama.cpp's own server with embeddings on, over the demo model: the real one, out of xllamacpp.

    with llama_embedding_server() as url: ...

As `tests.servers.llama`, in a child process that ends when its stdin does.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.servers.authors import MODEL_FOLDER

ROOT = Path(__file__).resolve().parents[3]


@contextlib.contextmanager
def llama_embedding_server(pooling: str = "MEAN", slots: int = 2) -> Iterator[str]:
    """The address. `pooling` is MEAN, or NONE, with which it has no vectors for whole texts."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.servers.embedding.llama", pooling, str(slots)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        try:
            address = child.stdout.readline().strip()
            if not address:
                raise RuntimeError(f"llama.cpp ended with {child.wait()}")
            yield address
        finally:
            child.kill()


def main() -> None:
    """Serve until stdin ends."""
    import xllamacpp

    pooling, slots = sys.argv[1], int(sys.argv[2])
    params = xllamacpp.CommonParams()
    params.model.path = str(MODEL_FOLDER / "model.gguf")
    params.embedding = True
    params.pooling_type = getattr(xllamacpp.llama_pooling_type, f"LLAMA_POOLING_TYPE_{pooling}")
    params.n_parallel = slots
    params.n_ctx = slots * 512
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.warmup = False
    params.verbosity = 2
    params.ui = False
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)  # noqa: T201
    sys.stdin.read()


if __name__ == "__main__":
    main()
