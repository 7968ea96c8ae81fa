"""`/v1/completions` in the wild: one server, many dialects.

    with openai_server(VLLM) as server:     server.url, server.requests, server.injected

`dialects` says what each server does differently; vLLM's and SGLang's are as their own sources
and documentation tell, the rest are what a probe must find out or refuse. Left out: `echo`,
`suffix`, `logprobs`, `n`, penalties and logit biases. TGI's own `/v1/completions` is in
`tests.servers.tgi`, llama.cpp's in `tests.servers.llama`.
"""

from tests.servers.openai.dialects import (
    CHAT_WRAPPER,
    DIALECTS,
    DOUBLES_BOS,
    ENDLESS,
    NO_FINISH_REASON,
    NO_SCHEMA,
    NO_SEED,
    NO_USAGE,
    OLD_VLLM,
    RESPONSE_FORMAT,
    SGLANG,
    SORTS_KEYS,
    STRICT,
    VLLM,
    Dialect,
)
from tests.servers.openai.server import OpenAIServer, openai_server

__all__ = [
    "CHAT_WRAPPER",
    "DIALECTS",
    "DOUBLES_BOS",
    "ENDLESS",
    "NO_FINISH_REASON",
    "NO_SCHEMA",
    "NO_SEED",
    "NO_USAGE",
    "OLD_VLLM",
    "RESPONSE_FORMAT",
    "SGLANG",
    "SORTS_KEYS",
    "STRICT",
    "VLLM",
    "Dialect",
    "OpenAIServer",
    "openai_server",
]
