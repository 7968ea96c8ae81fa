"""llama.cpp's own HTTP server over the demo model: the real one, out of xllamacpp.

    with llama_server() as url: ...

It runs in a child process, because llama.cpp aborts where Python would raise. The child prints the
address and ends when its stdin does, so it never outlives the test.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.servers.authors import MODEL_FOLDER

ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def llama_server(slots: int = 4, context: int = 2048, api_key: str = "") -> Iterator[str]:
    """The address of a server with `slots` slots of `context` tokens."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.servers.llama", str(slots), str(context), api_key],
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
    """Serve until stdin ends. Everything but the slots is as llama.cpp has it."""
    import xllamacpp

    slots, context, api_key = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    params = xllamacpp.CommonParams()
    params.model.path = str(MODEL_FOLDER / "model.gguf")
    params.n_parallel = slots
    params.n_ctx = slots * context  # the context is divided among the slots
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.warmup = False
    params.verbosity = 2
    params.ui = False
    if api_key:
        params.api_keys = [api_key]
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)  # noqa: T201
    sys.stdin.read()


if __name__ == "__main__":
    main()
