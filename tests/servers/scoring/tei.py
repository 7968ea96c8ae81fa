"""A text-embeddings-inference that serves a reward model: `/predict`, `/tokenize`, `/info`."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Literal

from tests.servers.faults import Plan
from tests.servers.scoring.model import BEGIN, logit, sigmoid, tokens
from tests.servers.scoring.served import Answer, AnsweredError, JudgingServer, started


def error(status: int, kind: str, words: str) -> AnsweredError:
    return AnsweredError(status, {"error": words, "error_type": kind})


OVERLOADED = error(429, "Overloaded", "Model is overloaded")
BACKEND = error(424, "Backend", "inference failed")


class Tei(JudgingServer):
    """See `tei`."""

    judging = ("/predict",)
    failures: ClassVar = {
        "overloaded": OVERLOADED,
        "refused": OVERLOADED,
        "generation": BACKEND,
        "incomplete": BACKEND,
        "unavailable": error(503, "Unhealthy", "unhealthy"),
        "error_event": BACKEND,
    }
    no_route = AnsweredError(404, "")

    def __init__(self, how: dict[str, Any], faults: Plan | None, api_key: str | None) -> None:
        self.how = how
        super().__init__(faults, api_key)

    def routes(self) -> dict[str, Answer]:
        return {"/predict": self._predict, "/tokenize": self._tokenize}

    def told(self) -> dict[str, Any]:
        kind = self.how["kind"]
        ids = {str(number): f"LABEL_{number}" for number in range(self.how["labels"])}
        model_type = {"pooling": "cls"} if kind == "embedding" else {"id2label": ids}
        info = {
            "model_id": self.how["model"],
            "model_dtype": "float16",
            "model_type": {kind: model_type},
            "max_concurrent_requests": self.how["slots"],
            "max_input_length": self.how["context"],
            "version": "1.8.2",
        }
        return {"/info": info}

    def _predict(self, body: dict[str, Any]) -> object:
        if self.how["kind"] == "embedding":
            raise error(424, "Backend", "model is not a classification model")
        if not isinstance(body.get("inputs"), str):
            words = "Failed to deserialize the JSON body into the target type: missing field"
            raise AnsweredError(422, f"{words} `inputs`")
        text = BEGIN + body["inputs"]
        size = len(tokens(text))
        if size > self.how["context"] and not body.get("truncate", True):
            words = f"`inputs` must have less than {self.how['context']} tokens. Given: {size}"
            raise error(413, "Validation", words)
        scores = [logit(text, output) for output in range(self.how["labels"])]
        if any(math.isnan(one) for one in scores):
            raise error(424, "Backend", "score is NaN")
        if not body.get("raw_scores"):
            scores = [sigmoid(one) for one in scores]
        found = [{"score": one, "label": f"LABEL_{place}"} for place, one in enumerate(scores)]
        return sorted(found, key=lambda one: -one["score"])

    def _tokenize(self, body: dict[str, Any]) -> object:
        if "inputs" not in body:
            raise AnsweredError(422, "missing field `inputs`")
        ids = tokens(BEGIN + body["inputs"])
        return [[{"id": one, "text": "", "special": False, "start": 0, "stop": 0} for one in ids]]


def tei(
    faults: Plan | None = None,
    *,
    api_key: str | None = None,
    model: str = "sfairXC/FsfairX-LLaMA3-RM-v0.1",
    kind: Literal["reranker", "classifier", "embedding"] = "reranker",
    labels: int = 1,
    slots: int = 512,
    context: int = 4096,
) -> AbstractContextManager[Tei]:
    """`kind` is what it takes its model for: with a single label, a reranker."""
    how = {"model": model, "kind": kind, "labels": labels, "slots": slots, "context": context}
    return started(Tei(how, faults, api_key))
