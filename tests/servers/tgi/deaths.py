"""How a launcher dies, chosen by MAGPIE_TEST_DEATH, with its log lines and exit statuses.

    gated            the model is gated: no token, or one without access         exit 1
    token-needed     the same, but only without HF_TOKEN                         exit 1
    no-repo          no such model                                               exit 1
    revision         no such revision                                            exit 1
    disk             no space left for the weights                               exit 1
    oom              out of GPU memory while a shard loads                       exit 1
    warmup           out of GPU memory while the router warms up                 exit 1
    killed-at-start  a shard gets SIGKILL while it loads                         exit 1
    port             the port is taken (a port really taken gives the same)      exit 1
    never-ready      loads without end
    killed-after:S          a shard gets SIGKILL S seconds after it was ready    exit 1
    after-requests:N        ... when request N arrives, counted from 1           exit 1
    sigkill-after:S         the launcher itself gets SIGKILL                     exit 137
    sigkill-after-requests:N

With MAGPIE_TEST_DEATH_ONCE=FILE it happens only while FILE is not there, and then makes it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

AT_DOWNLOAD = ("gated", "token-needed", "no-repo", "revision", "disk")
AT_LOADING = ("oom", "killed-at-start", "never-ready")
AT_LISTENING = ("warmup", "port")
LATER = ("killed-after", "after-requests", "sigkill-after", "sigkill-after-requests")


@dataclass(frozen=True)
class Death:
    kind: str = ""
    amount: float = 0.0
    once: Path | None = None

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> Death:
        """The death that the environment asks for; one without a kind is none."""
        kind, _, amount = environ.get("MAGPIE_TEST_DEATH", "").partition(":")
        if kind and kind not in (*AT_DOWNLOAD, *AT_LOADING, *AT_LISTENING, *LATER):
            raise ValueError(f"no such death: {kind}")
        told = environ.get("MAGPIE_TEST_DEATH_ONCE")
        once = Path(told) if told else None
        if once is not None and once.exists():
            return cls()
        if kind == "token-needed" and environ.get("HF_TOKEN"):
            return cls()
        return cls(kind, float(amount or 0), once)

    def strike(self) -> None:
        """Note that it happened."""
        if self.once is not None:
            self.once.touch()


def download_error(kind: str, model: str, revision: str | None, token: str | None) -> str:
    """What the download process of the launcher leaves on stderr."""
    site = "https://huggingface.co"
    here = f"{site}/api/models/{model}"
    if kind in ("gated", "token-needed"):
        status = 403 if token else 401
        more = (
            f"Access to model {model} is restricted and you are not in the authorized list. "
            f"Visit {site}/{model} to ask for access."
            if token
            else f"Access to model {model} is restricted. You must have access to it and be "
            "authenticated to access it. Please log in."
        )
        return _raised(
            "GatedRepoError", status, f"Cannot access gated repo for url {here}.\n{more}"
        )
    if kind == "no-repo":
        words = f"Repository Not Found for url: {here}.\nPlease make sure you specified the correct"
        return _raised("RepositoryNotFoundError", 401, f"{words} `repo_id` and `repo_type`.")
    if kind == "revision":
        name = revision or "main"
        words = f"Revision Not Found for url: {here}/revision/{name}.\nInvalid rev id: {name}"
        return _raised("RevisionNotFoundError", 404, words)
    return "Traceback (most recent call last):\nOSError: [Errno 28] No space left on device"


def _raised(name: str, status: int, words: str) -> str:
    return (
        "Traceback (most recent call last):\n"
        f"requests.exceptions.HTTPError: {status} Client Error\n\n"
        f"huggingface_hub.errors.{name}: {status} Client Error. (Request ID: Root=1-0;0)\n\n{words}"
    )


SHARD_ERROR = {
    "oom": (
        "Traceback (most recent call last):\n"
        '  File "text_generation_server/server.py", line 268, in serve_inner\n'
        "    model = get_model_with_lora_adapters(\n"
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 224.00 MiB. GPU 0 has a "
        "total capacity of 23.69 GiB of which 95.06 MiB is free. Process 4711 has 23.59 GiB "
        "memory in use."
    ),
    "killed-at-start": "",
}

ROUTER_ERROR = {
    "port": (
        "Error: WebServer(Axum(Os { code: 98, kind: AddrInUse, "
        'message: "Address already in use" }))'
    ),
    "warmup": (
        'Error: Backend(Warmup(Generation("Not enough memory to handle 4096 prefill tokens. '
        'You need to decrease `--max-batch-prefill-tokens`")))'
    ),
}
