"""How difficult an instruction is, with what it is after and what it takes: an LLM judge.

Labels and columns: Magpie paper (arXiv 2406.08464), section 3, and the published data sets.
"""

from __future__ import annotations

from builder.annotate.judging.parts import Label, Sentences
from builder.annotate.judging.worker import llm_judge
from builder.rows import DIFFICULTIES

ANNOTATOR = llm_judge(
    name="difficulty",
    version=1,
    summary="how difficult the instruction is to answer, and what it takes",
    parts=(
        Sentences("intent", "intent", "what the user wants, in the judge's words"),
        Sentences("knowledge", "knowledge", "what a correct answer needs, in the judge's words"),
        Label(
            "difficulty",
            "difficulty",
            "how difficult the instruction is to answer, easiest first",
            DIFFICULTIES,
        ),
    ),
)
