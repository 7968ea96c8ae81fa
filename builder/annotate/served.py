"""Which annotators this version can run."""

from __future__ import annotations

from builder.errors import UsageError
from builder.rows import ANNOTATIONS

SERVED: tuple[str, ...] = ()
"""None yet. Recipes that name some of `rows.ANNOTATIONS` can be read and checked."""


def refuse_unserved(annotators: tuple[str, ...]) -> None:
    """Raise `UsageError` when a recipe needs an annotator that this version does not have."""
    missing = [name for name in annotators if name in ANNOTATIONS and name not in SERVED]
    if missing:
        raise UsageError(
            f"annotate: this version does not have {', '.join(missing)}",
            mend="The recipe itself is fine. To build it without: --set annotate=[] and rules that "
            "do without their columns.",
        )
