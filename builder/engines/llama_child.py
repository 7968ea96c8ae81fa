"""The child process of the embedded engine: llama.cpp, with a JSON line in and a JSON line out.

A process of its own, because llama.cpp aborts where Python would raise, logs to the process's
stderr, and cannot be stopped in mid-completion from within; a child can be killed.

    in   first line  {"model", "slots", "context", "threads"}
         then        {"id", "prompt": [token ids], "max_tokens", "temperature", "top_p",
                      "seed", "stop", "schema": JSON schema or null}
    out  first line  {"ready": true} or {"failed": reason}
         then        {"id", "text", "tokens", "finish_reason"} or {"id", "error", "code"}

Completions are asked for in one piece: llama.cpp honours the stop strings itself, and with a model
of 4 million parameters on 2 cores a stream of single tokens made 1,700 to 2,100 tokens a second
where whole completions made 2,700 to 3,100.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, BinaryIO

Message = dict[str, Any]


def start_server(settings: Message) -> Any:
    """Load the model into llama.cpp's server. Raises `RuntimeError` when it refuses the file."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = settings["model"]
    params.n_parallel = settings["slots"]
    params.n_ctx = settings["slots"] * settings["context"]  # the context is divided among slots
    params.cpuparams.n_threads = settings["threads"]
    params.cpuparams_batch.n_threads = settings["threads"]
    params.special = True  # a header token that the model writes is seen, and cut at
    params.cache_prompt = False  # a reused prefix may round differently: the seed must decide alone
    params.cache_ram_mib = 0
    params.n_ctx_checkpoints = 0
    params.ctx_shift = False
    params.warmup = False
    params.verbosity = 2  # errors and warnings; the next level writes a dozen lines a request
    params.ui = False
    params.endpoint_slots = False
    params.api_keys = [secrets.token_urlsafe(32)]  # the listener cannot be turned off, so lock it
    return xllamacpp.Server(params)


def request_of(message: Message) -> Message:
    """llama.cpp's request for a completion, with every sampler off that the paper does not use."""
    greedy = message["temperature"] == 0
    schema = message.get("schema")
    held = {} if schema is None else {"json_schema": schema}
    return held | {
        "prompt": message["prompt"],
        "max_tokens": message["max_tokens"],
        "temperature": message["temperature"],
        "top_p": 1.0 if greedy else message["top_p"],
        "top_k": 1 if greedy else 0,
        "min_p": 0.0,
        "seed": message["seed"],
        "stop": message["stop"],
        "cache_prompt": False,
    }


def reply_to(message: Message, result: Message) -> Message:
    """Our reply, from llama.cpp's."""
    if "error" in result:
        return {
            "id": message["id"],
            "error": result["error"]["message"],
            "code": result["error"]["code"],
        }
    choice = result["choices"][0]
    return {
        "id": message["id"],
        "text": choice["text"],
        "tokens": result["usage"]["completion_tokens"],
        "finish_reason": choice["finish_reason"],
    }


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer until the requests end: the parent closed them, or is gone."""
    lock = threading.Lock()

    def send(reply: Message) -> None:
        line = json.dumps(reply).encode() + b"\n"
        with lock:
            replies.write(line)
            replies.flush()

    settings = json.loads(requests.readline())
    try:
        server = start_server(settings)
    except (RuntimeError, ImportError) as error:
        send({"failed": str(error)})
        return
    send({"ready": True})

    def answer(message: Message) -> None:
        send(reply_to(message, server.handle_completions(request_of(message))))

    def failed(number: int, ended: Future[None]) -> None:
        """Say so when a thread failed: its request would be waited for without end."""
        if error := ended.exception():
            send({"id": number, "error": repr(error), "code": "unexpected"})

    with ThreadPoolExecutor(settings["slots"]) as threads:
        for line in requests:
            message = json.loads(line)
            threads.submit(answer, message).add_done_callback(partial(failed, message["id"]))
        os._exit(0)  # nobody waits for what is still being written


def main() -> None:
    """Run the child: requests on stdin, replies on what was stdout, everything else on stderr."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends us
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, replies)


if __name__ == "__main__":
    main()
