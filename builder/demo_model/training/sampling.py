"""Runs the finished GGUF in llama.cpp: the bare pre-query template, answers, judge prompts."""

import json
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from builder.demo_model.training.tokens import BEGIN, HEADER, HEADER_END, TURN_END

SLOTS, CONTEXT = 8, 2048
PRE_QUERY = f"{BEGIN}{HEADER}user{HEADER_END}\n\n"
REPLY = f"{TURN_END}{HEADER}assistant{HEADER_END}\n\n"


@dataclass(frozen=True)
class Completion:
    """What the model wrote, and whether it closed its turn itself."""

    text: str
    ended: bool


class Sampler:
    """The model in llama.cpp. Prompts go in as token numbers, so that no second BOS is added."""

    def __init__(self, folder: Path) -> None:
        import xllamacpp

        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        params = xllamacpp.CommonParams()
        params.model.path = str(folder / "model.gguf")
        params.n_parallel = SLOTS
        params.n_ctx = SLOTS * CONTEXT
        params.cpuparams.n_threads = max(1, (os.cpu_count() or 2) - 1)
        params.api_keys = [secrets.token_hex(16)]
        params.warmup = False
        self._server = xllamacpp.Server(params)

    def complete(
        self, prompts: list[str], limit: int, temperature: float = 0.0, seed: int = 0
    ) -> list[Completion]:
        """Continue each prompt, with its own seed; temperature 0 is greedy."""

        def one(number: int) -> Completion:
            return self._one(prompts[number], limit, temperature, seed + number)

        with ThreadPoolExecutor(SLOTS) as pool:
            return list(pool.map(one, range(len(prompts))))

    def _one(self, prompt: str, limit: int, temperature: float, seed: int) -> Completion:
        request: dict[str, Any] = {
            "prompt": self._tokenizer.encode(prompt, add_special_tokens=False).ids,
            "n_predict": limit,
            "max_tokens": limit,
            "temperature": temperature,
            "top_k": 0 if temperature else 1,
            "top_p": 1.0,
            "min_p": 0.0,
            "seed": seed,
            "cache_prompt": False,
        }
        reply = self._server.handle_completions(request)
        if isinstance(reply, str):
            reply = json.loads(reply)
        if "error" in reply:
            raise RuntimeError(f"llama.cpp refused the prompt: {reply['error']['message']}")
        choice = reply["choices"][0]
        return Completion(choice["text"].strip(), choice["finish_reason"] == "stop")
