"""Servers of models that judge: rewards as vLLM, TEI and SGLang serve them, and Llama-Guard.

    with vllm() as server, tei() as other, sglang() as third, guard() as fourth:
        server.url, server.requests

The score of a text follows from its letters alone, and all reward servers agree on it: a text that
carries the right chat template gets the same score everywhere. Routes, bodies, limits and errors
are those of vLLM's vllm/entrypoints/pooling (protocol.py, serving.py), of TEI's
router/src/http/server.rs and of SGLang's docs/basic_usage/native_api.ipynb. They leave out
batches, embeddings, rerankers with pairs, base64 and everything else that is not asked here.
"""

from tests.servers.scoring.guard import Guard, guard
from tests.servers.scoring.model import BEGIN, TEMPLATE, logit, rendered
from tests.servers.scoring.sglang import sglang
from tests.servers.scoring.tei import Tei, tei
from tests.servers.scoring.vllm import Vllm, vllm

__all__ = [
    "BEGIN",
    "TEMPLATE",
    "Guard",
    "Tei",
    "Vllm",
    "guard",
    "logit",
    "rendered",
    "sglang",
    "tei",
    "vllm",
]
