"""Whether sampled instructions are what a user writes, and end where a turn ends.

An error is only what no honest model shows; the rest is counted and shown to people. Why the
thresholds are where they are: of twenty samples, a model that falls into the assistant's part in
one of ten does so in ten or more once in 140,000 preflights; an endpoint that wraps prompts, and
whose greetings are known for eight in ten, stays below ten once in 1,800.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from builder.engines.base import SamplingParams
from builder.engines.preflight.facts import Check, Sample, reasons, shortened
from builder.engines.preflight.greetings import speaks_as_assistant
from builder.engines.preflight.tokens import RAW
from builder.errors import EngineError
from builder.recipe.template import PromptTemplate

MOST: Final = 0.5
"""Share of the samples from which on a fault is the endpoint's and not the model's."""

MANY: Final = 10
"""Samples from which on that share tells. Of fewer, as each of several servers gets, `NEARLY_ALL`
must show the fault."""

NEARLY_ALL: Final = 0.8
"""Four of five: the model above does that once in 2,200."""

FEW: Final = 4
"""Samples below which a share says nothing: no endpoint is refused for the look of three texts."""

ROOM: Final = 128
"""Tokens in which a turn should end now and then: requests of users are a few sentences. Those of
the demo model have 27 in the middle and 87 at most (of 300). A recipe that allows fewer cuts them
on purpose."""

WARM: Final = 0.5
"""Temperature from which on different seeds must give different texts."""

SHOWN: Final = 3
"""Samples that an error quotes."""


def judge_samples(
    samples: Sequence[Sample],
    params: Sequence[SamplingParams],
    template: PromptTemplate,
    special: Sequence[str],
    name: str,
) -> None:
    """Raise `EngineError` when the samples of one server show that it cannot be used.

    `params` are what they were sampled with, in the same order; `special` are the texts of the
    tokenizer's special tokens; `name` is how the server is called.
    """
    if not samples:
        return
    _refuse_failures(samples, name)
    answered = [sample for sample in samples if sample.answered]
    texts = [sample.text.strip() for sample in answered]
    _refuse_greetings([text for text in texts if text], name)
    if len(answered) >= FEW and not any(texts):
        raise EngineError(
            f"all {len(texts)} instructions that {name} wrote are empty",
            mend="The model ends its turn at once. Is it the instruction-tuned model of the "
            "recipe, and does the template fit it (magpie recipe show)?",
        )
    _refuse_sameness(answered, params, name)
    _refuse_endless(answered, params, name)
    _refuse_template_text(texts, template, special, name)


def sample_checks(
    samples: Sequence[Sample], template: PromptTemplate, special: Sequence[str]
) -> tuple[Check, ...]:
    """What people are told of samples that were not refused."""
    answered = [sample for sample in samples if sample.answered]
    texts = [sample.text.strip() for sample in answered]
    greetings = sum(map(speaks_as_assistant, texts))
    marked = sum(_has_template_text(text, template, special) for text in texts)
    empty = texts.count("")
    stopped = sum(sample.finish_reason == "stop" for sample in answered)
    told = ", ".join(f"{count} {reason}" for reason, count in reasons(samples).items())
    total = len(texts)
    return (
        Check("samples", f"{total} of {len(samples)} completed", total == len(samples)),
        Check("finish reasons", told or "none asked for", total == len(samples)),
        Check(
            "raw completion", f"{greetings} of {total} greet as an assistant does", not greetings
        ),
        Check("end of turn", f"reached in {stopped} of {total}", stopped > 0 or not total),
        Check("template text", f"in {marked} of {total}", marked == 0),
        Check("empty", f"{empty} of {total}", empty < max(1, total * MOST)),
    )


def _refuse_failures(samples: Sequence[Sample], name: str) -> None:
    failed = [sample for sample in samples if not sample.answered]
    if len(failed) < max(1, len(samples) * MOST):
        return
    raise EngineError(
        f"{name} completed {len(samples) - len(failed)} of {len(samples)} samples; the first "
        f"failure: {failed[0].error}",
        mend="Nearly every row would be lost like that. See the server's own log.",
    )


def _tells(faulty: int, total: int) -> bool:
    """Whether so many of so many samples are the endpoint's fault."""
    return total >= FEW and faulty >= total * (MOST if total >= MANY else NEARLY_ALL)


def _refuse_greetings(texts: Sequence[str], name: str) -> None:
    greetings = [text for text in texts if speaks_as_assistant(text)]
    if _tells(len(greetings), len(texts)):
        raise EngineError(
            f"{name} answers as an assistant where the model should write a user's request, in "
            f"{len(greetings)} of {len(texts)} samples: it puts a chat template around prompts"
            f"\n{_quoted(greetings)}",
            mend=RAW,
        )


def _refuse_sameness(
    answered: Sequence[Sample], params: Sequence[SamplingParams], name: str
) -> None:
    """Nearly all texts the same: temperature and seed have no effect, or something else writes."""
    distinct = len({p.seed for p in params}) == len(params)
    if not distinct or len(answered) < FEW or any(p.temperature < WARM for p in params):
        return
    counts = Counter(" ".join(sample.text.split()).lower() for sample in answered)
    text, count = counts.most_common(1)[0]
    if count >= len(answered) * NEARLY_ALL:
        raise EngineError(
            f"{count} of {len(answered)} samples that {name} wrote are the same, though each had "
            f"its own seed and a temperature of {min(p.temperature for p in params)} or more\n"
            f"{_quoted([text])}",
            mend="Does it keep answers in a cache, or overrule temperature and seed? Or does a "
            f"chat service answer there? {RAW}",
        )


def _refuse_endless(
    answered: Sequence[Sample], params: Sequence[SamplingParams], name: str
) -> None:
    roomy = [sample for sample in answered if sample.room >= ROOM]
    if len(roomy) < MANY or any(sample.finish_reason == "stop" for sample in roomy):
        return
    stops = ", ".join(repr(stop) for stop in params[0].stop) or "none"
    raise EngineError(
        f"none of {len(roomy)} samples that {name} wrote ended its turn within "
        f"{max(sample.room for sample in roomy)} tokens; all were cut (stops: {stops})"
        f"\n{_quoted([sample.text for sample in roomy])}",
        mend="Likely it serves a base model, or it hides the end-of-turn token and does not stop "
        "at it: the model's generation_config.json must list that token (eos_token_id), for "
        "llama.cpp the GGUF file must.",
    )


def _refuse_template_text(
    texts: Sequence[str], template: PromptTemplate, special: Sequence[str], name: str
) -> None:
    marked = [text for text in texts if _has_template_text(text, template, special)]
    if _tells(len(marked), len(texts)):
        raise EngineError(
            f"{len(marked)} of {len(texts)} samples that {name} wrote hold text of the chat "
            f"template: the model went past the end of its turn\n{_quoted(marked)}",
            mend="The server does not stop at the end-of-turn token, or the template is another "
            "model's. Compare `magpie recipe show` with the model's chat template.",
        )


def _has_template_text(text: str, template: PromptTemplate, special: Sequence[str]) -> bool:
    """Whether a special token stands in a text, or what is left of a turn's head without them."""
    head = _bare(template.response_suffix, special)
    headed = bool(head.strip()) and head != head.rstrip() and head in text
    return headed or any(mark in text for mark in special if mark.strip())


def _bare(head: str, special: Sequence[str]) -> str:
    """The head of a turn as a server shows it that hides special tokens: `assistant\\n\\n`."""
    for mark in special:
        head = head.replace(mark, "") if mark else head
    return head


def _quoted(texts: Sequence[str]) -> str:
    return "\n".join(f"  {shortened(' '.join(text.split()), 100)!r}" for text in texts[:SHOWN])
