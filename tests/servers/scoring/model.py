"""The reward model of these servers: a text in, a number for each output."""

from __future__ import annotations

import hashlib
import math

BEGIN = "<|begin_of_text|>"
TEMPLATE = (
    "<|start_header_id|>user<|end_header_id|>\n\n{instruction}<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n{response}<|eot_id|>"
)
"""The model's chat template without its begin-of-text token, as a recipe has to write it."""

NOT_A_NUMBER = "the score of this is no number"


def rendered(instruction: str, response: str) -> str:
    """The text of a conversation as the model gets it."""
    before, between = TEMPLATE.split("{instruction}")
    between, after = between.split("{response}")
    return f"{BEGIN}{before}{instruction}{between}{response}{after}"


def tokens(text: str) -> list[int]:
    """The begin-of-text tokens, then a token for each word. No real tokenizer is that simple."""
    begins = 0
    while text.startswith(BEGIN):
        text, begins = text[len(BEGIN) :], begins + 1
    words = [int.from_bytes(hashlib.sha256(word.encode()).digest()[:2]) for word in text.split()]
    return [128_000] * begins + [number + 1 for number in words]


def logit(text: str, output: int = 0) -> float:
    """The raw score of a text, -8 to 8, in steps that float32 holds."""
    if NOT_A_NUMBER in text:
        return math.nan
    digest = hashlib.sha256(f"{output}/{text}".encode()).digest()
    return int.from_bytes(digest[:2]) / 4096 - 8


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))
