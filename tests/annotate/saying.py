"""An annotator at work on a few rows, with the tools it asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from builder.annotate.base import Annotator, Options, Values


class FewTools:
    """Files of a folder by name, and a tokenizer; no servers."""

    seed = 0

    def __init__(
        self, base: Path | None = None, encode: Callable[[str], list[int]] | None = None
    ) -> None:
        self.base = base or Path()
        self._encode = encode

    def tokenizer(self) -> Callable[[str], list[int]] | None:
        return self._encode

    def data_files(self, name: str) -> Sequence[Path]:
        return [self.base / name]


def say(
    annotator: Annotator,
    rows: Sequence[Mapping[str, object]],
    tools: FewTools | None = None,
    **options: object,
) -> list[Values]:
    """What the annotator says of the rows, started with these options as a recipe has them."""

    async def work() -> list[Values]:
        assert annotator.start is not None
        given: Options = annotator.options.model_validate(options)
        worker = await annotator.start(given, tools or FewTools())  # type: ignore[arg-type]
        try:
            return list(await worker.annotate(rows))
        finally:
            await worker.close()

    return asyncio.run(work())
