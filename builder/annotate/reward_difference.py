"""How much better a response is than what the base model would have said to the instruction.

    reward_difference = instruct_reward - base_reward

    annotate:
      reward: {endpoint: "http://localhost:8081"}
      reward_difference:
        base: {endpoint: "http://localhost:8082"}      # Meta-Llama-3-8B, raw completions
        reward: {endpoint: "http://localhost:8081"}    # the same reward model

A base model has no chat template, so it goes on with a plain text of ours. The paper keeps a row
above tau2 = 0 (arXiv 2406.08464, Table 5); its own prompt is not published.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final

import polars as pl
from pydantic import Field

from builder.annotate.base import (
    FAILED,
    Annotator,
    Cost,
    Needs,
    Options,
    Output,
    Row,
    Scorer,
    ServerOptions,
    Tools,
    Values,
    Writer,
)
from builder.annotate.reward import RewardOptions, score_of
from builder.errors import EngineError, RowError
from builder.text import writable

PROMPT: Final = """\
Below is a request that a person wrote to an expert, and the expert's complete answer to it.

### Request
{instruction}

### Answer
"""
"""What the base model goes on with. A change of it is a new version of the annotator."""

STOPS: Final = ("\n### Request", "\n### Answer")
"""Where the answer ends: a base model that is done goes on with the next request, or with another
answer, in the form that it was shown. Other headings may belong to the answer."""

NOTHING_TO_COMPARE: Final = "the row has no response with a reward"


class BaseModelOptions(ServerOptions):
    """Where the base model answers `/v1/completions`."""

    max_tokens: int = Field(
        default=1024, ge=16, le=32_768, description="a whole number from 16 to 32768"
    )
    """Tokens of an answer. Responses of the Instruct models have 430 to 480 on average (paper),
    and base models often do not stop by themselves."""


class DifferenceOptions(Options):
    """The two servers that it takes."""

    base: BaseModelOptions = Field(description="the server of the base model, {endpoint: ...}")
    reward: RewardOptions = Field(
        description="the server of the reward model, as for the annotator `reward`"
    )


class DifferenceWorker:
    """Lets `writer` answer each instruction, and `scorer` score that."""

    def __init__(self, writer: Writer, scorer: Scorer, max_tokens: int) -> None:
        self._writer = writer
        self._scorer = scorer
        self._max_tokens = max_tokens

    async def annotate(self, rows: Sequence[Row]) -> Sequence[Values]:
        """See `Worker.annotate`. Raises the base model's `RowError`.

        Raises `EngineError` where a row's reward is of another model than ours.
        """
        return [await self._row(row) for row in rows]

    async def close(self) -> None:
        """See `Worker.close`. The servers are not ours."""

    async def _row(self, row: Row) -> Values:
        """The difference; where the score fails, the base model's answer and the reason."""
        instruction, reward = row["instruction"], row["instruct_reward"]
        if not isinstance(instruction, str) or row["response"] is None or reward is None:
            return {f"reward_difference{FAILED}": NOTHING_TO_COMPARE}
        self._refuse_other_model(row["reward_model"])
        output = await self._answer(instruction)
        try:
            base = await score_of(self._scorer, instruction, output)
        except RowError as error:
            return {"base_output": output, f"reward_difference{FAILED}": error.message}
        return {"base_output": output, "base_reward": base, "reward_difference": reward - base}

    async def _answer(self, instruction: str) -> str:
        """What the base model says, without white space around it. It may be nothing."""
        prompt = PROMPT.replace("{instruction}", writable(instruction).strip())
        reply = await self._writer.write(prompt, self._max_tokens, STOPS)
        return writable(reply.text).strip()

    def _refuse_other_model(self, model: str | None) -> None:
        """Raise where the reward was given by another model. A name may have lost its folder."""
        ours = self._scorer.model
        if model is None or _end(model) == _end(ours):
            return
        raise EngineError(
            f"reward_difference: `instruct_reward` is of {model}, and the reward model here is "
            f"{ours}; their rewards cannot be compared",
            mend="Give `reward` and `reward_difference` the same reward model, or the same `model` "
            "where two names mean one.",
        )


def _end(model: str) -> str:
    return PurePosixPath(model).name.casefold()


async def _start(options: DifferenceOptions, tools: Tools) -> DifferenceWorker:
    writer = await tools.writer(options.base)
    return DifferenceWorker(writer, await tools.scorer(options.reward), options.base.max_tokens)


ANNOTATOR: Final = Annotator(
    name="reward_difference",
    version=1,
    summary="How much better the response is than the base model's.",
    reads=("instruction", "response", "instruct_reward", "reward_model"),
    writes={
        "base_output": Output(pl.String(), "what the base model answered to the instruction"),
        "base_reward": Output(
            pl.Float64(), "the reward of `base_output` by `reward_model`; higher is better"
        ),
        "reward_difference": Output(
            pl.Float64(), "`instruct_reward` less `base_reward`; above 0 the response is better"
        ),
    },
    start=_start,
    options=DifferenceOptions,
    needs=Needs.SERVER,
    cost=Cost.TOKENS,
)
