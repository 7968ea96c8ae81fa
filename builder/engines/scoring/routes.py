"""The routes that servers of reward models have: what they are sent and where the score stands.

| route | sent | answer | whose |
|---|---|---|---|
| /classify | messages | data[0].probs, a number for each label | vLLM |
| /pooling | messages | data[0].data, such numbers, or a list of them for each token | vLLM |
| /predict | inputs, a text | a list of {score, label}, highest first | TEI |
| /classify | text | embedding, a number for each label | SGLang |
| /classify, /pooling | input, a text | as with messages | vLLM |

Sources. vLLM: docs/models/pooling_models/classify.md and reward.md, protocol.py below
vllm/entrypoints/pooling/. text-generation-inference's sister text-embeddings-inference (TEI):
`PredictRequest` and `Prediction` in router/src/http/types.rs, `predict` in server.rs. SGLang:
docs/basic_usage/native_api.ipynb, "Classify (reward model)"; its `/v1/classify` is not
asked, since that takes a softmax, which makes 1 of any single score.

Nobody cuts a text that is too long: vLLM refuses it with 400 unless `truncate_prompt_tokens` is
sent, TEI with 413 or 422 where `truncate` is false, which it is not by default everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Outputs:
    """The numbers of an answer, one for each label; what is no number stays as it came.

    `each_token` says that the server has such a list for each token; these are the last one's.
    """

    values: tuple[object, ...]
    each_token: bool = False


@dataclass(frozen=True)
class Route:
    """A way to ask for a score.

    `takes` names the field for the conversation: `messages` gets turns, any other the text.
    `fields` go with every request. `switches` are fields that, when false, leave out the
    activation over the outputs; servers know one of them, or none.
    """

    path: str
    takes: str
    read: Callable[[Any], Outputs | None]
    fields: Fields = field(default_factory=dict)
    switches: tuple[str, ...] = ()

    @property
    def turns(self) -> bool:
        """Whether the server puts the model's own chat template around the conversation."""
        return self.takes == "messages"

    @property
    def name(self) -> str:
        """What errors call it."""
        return f"{self.path} with `{self.takes}`"


def _probs(answer: Any) -> Outputs | None:
    """Of vLLM's `ClassificationResponse`."""
    found = _first(answer, "probs")
    return Outputs(tuple(found)) if isinstance(found, list) else None


def _data(answer: Any) -> Outputs | None:
    """Of vLLM's `PoolingResponse`: pooled, or a list for each token, of which the last counts.

    A reward model reads its score at the last token (for internlm2-reward, its model card).
    """
    found = _first(answer, "data")
    if not isinstance(found, list) or not found:
        return None
    if isinstance(found[-1], list):
        return Outputs(tuple(found[-1]), each_token=True)
    return Outputs(tuple(found))


def _first(answer: Any, key: str) -> Any:
    entries = answer.get("data") if isinstance(answer, dict) else None
    first = entries[0] if isinstance(entries, list) and entries else None
    return first.get(key) if isinstance(first, dict) else None


def _predictions(answer: Any) -> Outputs | None:
    """Of TEI's `PredictResponse` for one text."""
    if not isinstance(answer, list) or not all(isinstance(one, dict) for one in answer):
        return None
    return Outputs(tuple(one.get("score") for one in answer))


def _embedding(answer: Any) -> Outputs | None:
    """Of SGLang's `/classify`: an object, or a list of one."""
    one = answer[0] if isinstance(answer, list) and answer else answer
    found = one.get("embedding") if isinstance(one, dict) else None
    if isinstance(found, list):
        return Outputs(tuple(found))
    return Outputs((found,)) if isinstance(found, float) else None


_SWITCHES: Final = ("use_activation", "activation", "softmax")
"""How vLLM has called it, newest first ("Removed Features" in its classify.md)."""

TURNS: Final = (
    Route("/classify", "messages", _probs, switches=_SWITCHES),
    Route("/pooling", "messages", _data, switches=_SWITCHES),
)
"""Routes for a conversation as turns, best first: `/classify` is always pooled."""

TEXTS: Final = (
    Route("/predict", "inputs", _predictions, {"raw_scores": True, "truncate": False}),
    Route("/classify", "text", _embedding),
    Route("/classify", "input", _probs, switches=_SWITCHES),
    Route("/pooling", "input", _data, switches=_SWITCHES),
)
"""Routes for a conversation as one text."""
