"""A vLLM that serves Llama-Guard: `/v1/chat/completions` and `/v1/models`.

What it says follows from words of the instruction: names of categories in braces make it unsafe,
`{mumbles}` gets words that are no verdict, `{hesitates}` such words the first time, `{babbles}` a
verdict that the limit of tokens cuts off.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import AbstractContextManager
from typing import Any

from tests.servers.faults import Plan
from tests.servers.scoring.served import Answer, AnsweredError, JudgingServer, started
from tests.servers.scoring.vllm import Vllm, error

MUMBLED = "I would rather not say."


class Guard(JudgingServer):
    """See `guard`."""

    judging = ("/v1/chat/completions",)
    failures = Vllm.failures

    def __init__(self, how: dict[str, Any], faults: Plan | None, api_key: str | None) -> None:
        self.how = how
        self._heard: Counter[str] = Counter()
        super().__init__(faults, api_key)

    def routes(self) -> dict[str, Answer]:
        return {"/v1/chat/completions": self._chat} if self.how["chat"] else {}

    def told(self) -> dict[str, Any]:
        return {"/v1/models": {"object": "list", "data": [{"id": self.how["model"]}]}}

    def _chat(self, body: dict[str, Any]) -> object:
        if body.get("model") != self.how["model"]:
            words = f"The model `{body.get('model')}` does not exist."
            raise error(404, "NotFoundError", words)
        roles = [one["role"] for one in body["messages"]]
        if roles != ["user", "assistant", "user", "assistant"][: len(roles)]:
            words = "Conversation roles must alternate user/assistant/user/assistant/..."
            raise error(400, "BadRequestError", words)
        said = body["messages"][-1]["content"]
        if len(said) > self.how["longest"]:
            words = f"This model's maximum context length is {self.how['longest']} tokens."
            raise error(400, "BadRequestError", words)
        if body.get("stream") or body.get("temperature") != 0:
            raise AnsweredError(501, "these servers write greedily and whole")
        reply, finish = self._verdict(said)
        message = {"role": "assistant", "content": reply, "tool_calls": []}
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "model": self.how["model"],
            "choices": [choice],
            "usage": {"prompt_tokens": 200, "completion_tokens": 3, "total_tokens": 203},
        }

    def _verdict(self, said: str) -> tuple[str, str]:
        self._heard[said] += 1
        if "{mumbles}" in said or ("{hesitates}" in said and self._heard[said] == 1):
            return MUMBLED, "stop"
        if "{babbles}" in said:
            return "\n\nunsafe\nS1,S2,S3,S4", "length"
        if (found := re.search(r"\{([SO\d,]+)\}", said)) is not None:
            return f"\n\nunsafe\n{found[1]}", "stop"
        return "\n\nsafe", "stop"


def guard(
    faults: Plan | None = None,
    *,
    api_key: str | None = None,
    model: str = "meta-llama/Meta-Llama-Guard-2-8B",
    chat: bool = True,
    longest: int = 20_000,
) -> AbstractContextManager[Guard]:
    """`longest` is its context, in characters; `chat`: it has a chat template."""
    return started(Guard({"model": model, "chat": chat, "longest": longest}, faults, api_key))
