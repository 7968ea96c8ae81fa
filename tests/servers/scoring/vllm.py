"""A vLLM that serves a reward model: `/classify`, `/pooling`, `/tokenize`, `/v1/models`."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Literal

from tests.servers.faults import Plan
from tests.servers.scoring.model import BEGIN, logit, rendered, sigmoid, tokens
from tests.servers.scoring.served import Answer, AnsweredError, JudgingServer, started

FAILED = AnsweredError(
    500, {"error": {"message": "EngineCore died", "type": "InternalServerError", "code": 500}}
)


def error(status: int, kind: str, words: str) -> AnsweredError:
    inner = {"message": words, "type": kind, "param": None, "code": status}
    return AnsweredError(status, {"error": inner})


class Vllm(JudgingServer):
    """See `vllm`."""

    judging = ("/classify", "/pooling")
    failures: ClassVar = {
        "overloaded": error(429, "rate_limit_exceeded", "Too many requests"),
        "refused": error(429, "rate_limit_exceeded", "Too many requests"),
        "generation": FAILED,
        "incomplete": FAILED,
        "unavailable": error(503, "ServiceUnavailableError", "Server is unavailable"),
        "error_event": FAILED,
    }

    def __init__(self, how: dict[str, Any], faults: Plan | None, api_key: str | None) -> None:
        self.how = how
        super().__init__(faults, api_key)

    def routes(self) -> dict[str, Answer]:
        known: dict[str, Answer] = {"/classify": self._classify, "/pooling": self._pooling}
        served = {path: known[path] for path in self.how["paths"]}
        return served | {"/tokenize": self._tokenize}

    def told(self) -> dict[str, Any]:
        model = {"id": self.how["model"], "object": "model", "max_model_len": self.how["context"]}
        return {"/v1/models": {"object": "list", "data": [model]}}

    def _classify(self, body: dict[str, Any]) -> object:
        probs = self._outputs(self._text(body), body)
        if any(math.isnan(one) for one in probs):
            raise AnsweredError(500, "Out of range float values are not JSON compliant: nan")
        data = {"index": 0, "label": "LABEL_0", "probs": probs, "num_classes": len(probs)}
        return self._list("classify", data)

    def _pooling(self, body: dict[str, Any]) -> object:
        text = self._text(body)
        data: Any = self._outputs(text, body)
        if self.how["each_token"]:
            data = [[float(place)] for place, _ in enumerate(tokens(text)[1:])] + [data]
        return self._list("pool", {"index": 0, "object": "pooling", "data": data})

    def _list(self, kind: str, data: dict[str, Any]) -> object:
        return {"id": f"{kind}-1", "object": "list", "model": self.how["model"], "data": [data]}

    def _tokenize(self, body: dict[str, Any]) -> object:
        if "prompt" not in body:
            raise error(400, "BadRequestError", "Field required: prompt")
        found = tokens(BEGIN + body["prompt"])
        return {"count": len(found), "max_model_len": self.how["context"], "tokens": found}

    def _text(self, body: dict[str, Any]) -> str:
        """What the model gets. Turns are within its template; a text gets its begin token."""
        if body.get("model") not in (None, self.how["model"]):
            words = f"The model `{body['model']}` does not exist."
            raise error(404, "NotFoundError", words)
        if "messages" in body and self.how["messages"]:
            user, assistant = body["messages"]
            assert (user["role"], assistant["role"]) == ("user", "assistant")
            text = rendered(user["content"], assistant["content"])
        elif "messages" in body:
            words = "As of transformers v4.44, default chat template is no longer allowed"
            raise error(400, "BadRequestError", words)
        elif "input" in body:
            text = BEGIN + body["input"]
        else:
            raise error(400, "BadRequestError", "Field required: input")
        if (size := len(tokens(text))) > self.how["context"]:
            words = f"This model's maximum context length is {self.how['context']} tokens. "
            raise error(400, "BadRequestError", f"{words}However, you requested {size} tokens")
        return text

    def _outputs(self, text: str, body: dict[str, Any]) -> list[float]:
        raw = [logit(text, output) for output in range(self.how["labels"])]
        switch = self.how["switch"]
        if switch is None:
            return [1.0] if self.how["softmax"] else raw
        applied = body.get(switch)
        return raw if applied is False else [sigmoid(one) for one in raw]


def vllm(
    faults: Plan | None = None,
    *,
    api_key: str | None = None,
    model: str = "sfairXC/FsfairX-LLaMA3-RM-v0.1",
    paths: tuple[str, ...] = ("/classify", "/pooling"),
    messages: bool = True,
    each_token: bool = False,
    labels: int = 1,
    switch: Literal["use_activation", "activation"] | None = "use_activation",
    softmax: bool = False,
    context: int = 4096,
) -> AbstractContextManager[Vllm]:
    """`messages`: it has a chat template. `switch` is what it calls leaving the activation out;
    None: there is no activation, or, with `softmax`, always one that makes 1 of everything.
    """
    how = {
        "model": model,
        "paths": paths,
        "messages": messages,
        "each_token": each_token,
        "labels": labels,
        "switch": switch,
        "softmax": softmax,
        "context": context,
    }
    return started(Vllm(how, faults, api_key))
