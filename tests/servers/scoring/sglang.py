"""An SGLang that serves a reward model with `--is-embedding`: its own `/classify`."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from tests.servers.scoring.model import BEGIN, logit
from tests.servers.scoring.served import Answer, AnsweredError, JudgingServer, started

MODEL = "Skywork/Skywork-Reward-Llama-3.1-8B-v0.2"


class Sglang(JudgingServer):
    """See the module."""

    judging = ("/classify",)

    def routes(self) -> dict[str, Answer]:
        return {"/classify": self._classify}

    def told(self) -> dict[str, Any]:
        return {"/v1/models": {"object": "list", "data": [{"id": MODEL, "object": "model"}]}}

    def _classify(self, body: dict[str, Any]) -> object:
        if "text" not in body:
            words = "At least one of text, input_ids, or image should be provided"
            raise AnsweredError(400, {"error": {"message": words}})
        score = logit(BEGIN + body["text"])
        return {"embedding": [score], "meta_info": {"prompt_tokens": 9, "finish_reason": None}}


def sglang() -> AbstractContextManager[Sglang]:
    return started(Sglang(None, None))
