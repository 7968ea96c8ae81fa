"""Which kinds of task an instruction is: an LLM judge.

Labels and columns: Magpie paper (arXiv 2406.08464), section 3, and the published data sets.
"""

from __future__ import annotations

from typing import Final

from builder.annotate.judging.parts import Label, MoreLabels
from builder.annotate.judging.worker import llm_judge
from builder.rows import TASK_CATEGORIES

_ALSO: Final = {"Other": "Others", "Maths": "Math"}
"""Other words for a tag. A tool for the published sets knew "Other" alone, and lost every row that
its judge had tagged with the prompt's own "Others"; `Maths` is British."""

_PRIMARY: Final = Label(
    "primary_tag", "task_category", "the kind of task that fits best", TASK_CATEGORIES, _ALSO
)

ANNOTATOR = llm_judge(
    name="category",
    version=1,
    summary="which kinds of task the instruction is",
    parts=(
        _PRIMARY,
        MoreLabels("other_tags", "other_task_category", "further kinds that fit", _PRIMARY),
    ),
)
