"""What a reward model gives the response to an instruction. Higher is better.

The paper uses FsfairX-LLaMA3-RM-v0.1 for SFT data and keeps a row above tau1 = -12 (arXiv
2406.08464, Table 5): raw outputs of that model, with no activation over them. Rewards of two
models cannot be compared, so the model stands beside each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Final

import polars as pl
from pydantic import AfterValidator, Field

from builder.annotate.base import (
    FAILED,
    Annotator,
    Cost,
    Needs,
    Output,
    Row,
    Scorer,
    ServerOptions,
    Tools,
    Values,
)
from builder.errors import RowError
from builder.text import writable

SLOTS: Final = ("{instruction}", "{response}")

NOTHING_TO_JUDGE: Final = "the row has no response"


def _with_both_slots(template: str) -> str:
    missing = [slot for slot in SLOTS if template.count(slot) != 1]
    if missing:
        raise ValueError(f"it has to have {' and '.join(missing)} once")
    return template


class RewardOptions(ServerOptions):
    """Where a reward model answers, and how a conversation is put to it."""

    template: Annotated[str, AfterValidator(_with_both_slots)] | None = Field(
        default=None, description="a text with {instruction} and {response}, each once"
    )
    """The reward model's chat template around one exchange, without its begin-of-text token. None:
    the server has it, as vLLM does; one that takes only text, as TEI, cannot do without."""


async def score_of(scorer: Scorer, instruction: str, response: str) -> float:
    """The reward of a response. Raises `RowError`, also for a reward that is no finite number."""
    reward = await scorer.score(writable(instruction), writable(response))
    if not math.isfinite(reward):
        raise RowError(f"the reward is {reward}, which is no finite number")
    return reward


class RewardWorker:
    """Asks `scorer` about one response after the other."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    async def annotate(self, rows: Sequence[Row]) -> Sequence[Values]:
        """See `Worker.annotate`. Raises the server's `RowError`."""
        return [await self._row(row["instruction"], row["response"]) for row in rows]

    async def close(self) -> None:
        """See `Worker.close`. The server is not ours."""

    async def _row(self, instruction: object, response: object) -> Values:
        if not isinstance(instruction, str) or not isinstance(response, str):
            return {f"reward{FAILED}": NOTHING_TO_JUDGE}
        reward = await score_of(self._scorer, instruction, response)
        return {"instruct_reward": reward, "reward_model": self._scorer.model}


async def _start(options: RewardOptions, tools: Tools) -> RewardWorker:
    return RewardWorker(await tools.scorer(options))


ANNOTATOR: Final = Annotator(
    name="reward",
    version=1,
    summary="What a reward model gives the response.",
    reads=("instruction", "response"),
    writes={
        "instruct_reward": Output(
            pl.Float64(), "the reward of the response by `reward_model`; higher is better"
        ),
        "reward_model": Output(pl.String(), "the reward model"),
    },
    start=_start,
    options=RewardOptions,
    needs=Needs.SERVER,
    cost=Cost.TOKENS,
)
