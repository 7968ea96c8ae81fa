"""The respond stage: give the instruction back in the full template and keep the answer."""

from __future__ import annotations

from dataclasses import dataclass

from builder.engines.base import SamplingParams
from builder.errors import RowError
from builder.generate.record import Asks, Row, text_columns
from builder.generate.sampling import row_seed
from builder.recipe.schema import ResponseSpec
from builder.recipe.template import PromptTemplate


@dataclass(frozen=True)
class Respond:
    """Asks for responses. `seed` is the recipe's; greedy sampling makes no use of it."""

    pool: Asks
    template: PromptTemplate
    spec: ResponseSpec
    seed: int

    async def row(self, instruct: Row) -> Row:
        """Answer one instruction: a record with the columns `rows.RESPOND`.

        A row that the engine gives up is a record too, with its reason in `response_error`.
        """
        row, instruction = instruct["row"], instruct["instruction"]
        assert isinstance(row, int)
        assert isinstance(instruction, str)
        params = SamplingParams(
            temperature=self.spec.temperature,
            top_p=self.spec.top_p,
            max_tokens=self.spec.max_tokens,
            seed=row_seed(self.seed, row, "respond"),
            stop=self.template.stops,
            whole=True,
        )
        record: Row = {"row": row, "uuid": instruct["uuid"]}
        try:
            completion = await self.pool.complete(
                self.template.response_prompt(instruction), params
            )
        except RowError as error:
            return record | {"response_error": error.message}
        return record | text_columns("response", "finish_reason", completion)
