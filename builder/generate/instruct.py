"""The instruct stage: give the model a bare user turn and keep what it writes there."""

from __future__ import annotations

from dataclasses import dataclass

from builder.engines.base import SamplingParams
from builder.errors import RowError
from builder.generate.record import Asks, Row, text_columns
from builder.generate.sampling import row_seed, row_uuid, sweep_point
from builder.recipe.schema import InstructionSpec
from builder.recipe.template import PromptTemplate


def stops_of(template: PromptTemplate, spec: InstructionSpec) -> tuple[str, ...]:
    """Texts that end an instruction."""
    return (*template.stops, *(("\n",) if spec.stop_at_newline else ()))


@dataclass(frozen=True)
class Instruct:
    """Asks for instructions. `fingerprint` names the shape of the recipe, `seed` is its seed."""

    pool: Asks
    template: PromptTemplate
    spec: InstructionSpec
    seed: int
    fingerprint: str

    async def row(self, known: Row) -> Row:
        """Sample the instruction of the row `known["row"]`: the columns `rows.INSTRUCT`.

        A row that the engine gives up is a record too, with its reason in `instruction_error`.
        """
        row = known["row"]
        assert isinstance(row, int)
        point = sweep_point(self.seed, row, self.spec.sweep)
        params = SamplingParams(
            temperature=point.temperature,
            top_p=point.top_p,
            max_tokens=self.spec.max_tokens,
            seed=row_seed(self.seed, row, "instruct"),
            stop=stops_of(self.template, self.spec),
        )
        record: Row = {
            "row": row,
            "uuid": row_uuid(self.fingerprint, row),
            "temperature": params.temperature,
            "top_p": params.top_p,
            "seed": params.seed,
        }
        try:
            completion = await self.pool.complete(self.template.pre_query, params)
        except RowError as error:
            return record | {"instruction_error": error.message}
        return record | text_columns("instruction", "instruction_finish_reason", completion)
