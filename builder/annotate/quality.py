"""How good an instruction is, from very poor to excellent, with the reason: an LLM judge.

Labels and columns: Magpie paper (arXiv 2406.08464), section 3, and the published data sets.
"""

from __future__ import annotations

from builder.annotate.judging.parts import Label, Sentences
from builder.annotate.judging.worker import llm_judge
from builder.rows import QUALITIES

ANNOTATOR = llm_judge(
    name="quality",
    version=1,
    summary="how clear, specific and complete the instruction is",
    parts=(
        Sentences("explanation", "quality_explanation", "the judge's reason for the quality"),
        Label(
            "input_quality",
            "input_quality",
            "how clear, specific and complete the instruction is, worst first",
            QUALITIES,
        ),
    ),
)
