"""A judge that replies from a script, and what a worker needs besides it."""

import asyncio
from pathlib import Path

from builder.annotate.base import Reply
from builder.annotate.judging.worker import JudgeOptions


class ScriptedJudge:
    """Replies in turn: a text, a `Reply`, or an error to raise. Keeps what it was asked."""

    model = "a judge"

    def __init__(self, *script, constrained=True):
        self.constrained = constrained
        self.asked = []
        self._script = list(script)

    async def ask(self, question):
        self.asked.append(question)
        said = self._script.pop(0)
        if isinstance(said, Exception):
            raise said
        return said if isinstance(said, Reply) else Reply(said, "stop")


class JudgeTools:
    """The part of `Tools` that a judge's worker uses."""

    base = Path()

    def __init__(self, judge, seed=7):
        self.seed = seed
        self._judge = judge

    async def judge(self):
        return self._judge


def judged(annotator, judge, *instructions, seed=7, **options):
    """What the annotator says of rows 0, 1, ... with these instructions."""

    async def work():
        worker = await annotator.start(JudgeOptions(**options), JudgeTools(judge, seed))
        rows = [{"row": row, "instruction": text} for row, text in enumerate(instructions)]
        said = [value for row in rows for value in await worker.annotate([row])]
        await worker.close()
        return said

    return asyncio.run(work())


def judged_once(annotator, *script, constrained=True):
    """What it says of one row, and how often the judge was asked."""
    judge = ScriptedJudge(*script, constrained=constrained)
    [values] = judged(annotator, judge, "Name a river.")
    return values, len(judge.asked)
