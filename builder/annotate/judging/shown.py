"""What a judge is shown of an instruction: a text that fits, and that cannot end its own frame.

The row itself is not changed by any of this.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from builder.text import writable

SLOT: Final = "{instruction}"
"""Where a prompt in `prompts/` takes the instruction: once, between two lines of dashes."""

LONGEST_SHOWN: Final = 4_000
"""Characters of an instruction that a judge sees unless the recipe says otherwise.

1,000 tokens of English or some 4,000 of Chinese: with the prompt and a reply that fits into the
8,192 tokens of Llama-3. Kind, quality and difficulty show in the two ends of a longer one.
"""

_LINE: Final = re.compile(r"[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")


def fill(prompt: str, instruction: str, longest: int = LONGEST_SHOWN) -> str:
    """Put an instruction into the slot of a prompt, shortened to `longest` characters.

    The slot is filled once, so an instruction that spells a slot of its own stays as it is.
    """
    head, _, tail = prompt.partition(SLOT)
    return f"{head}{_framed(_shortened(writable(instruction), longest))}{tail}"


def _shortened(text: str, longest: int) -> str:
    """Head and tail, `longest` characters together, with a line between them that tells the gap."""
    if len(text) <= longest:
        return text
    tail = longest // 2
    head = longest - tail
    gap = f"\n[... {len(text) - longest} characters are not shown here ...]\n"
    return f"{text[:head]}{gap}{text[len(text) - tail :]}"


def _framed(text: str) -> str:
    """Turn lines of nothing but dashes into lines of asterisks.

    The prompts say that the instruction stands between two lines of dashes: a third one would end
    it early, and what follows would read as words of ours. Asterisks mean the same in Markdown, a
    thematic break (CommonMark 0.31, section 4.1).
    """
    return _LINE.sub(lambda line: _undashed(line[0]), text)


def _undashed(line: str) -> str:
    """The line, or asterisks where it is a line of dashes, of whatever width, spaced or not."""
    marks = "".join(line.split())
    if len(marks) < 3 or any(unicodedata.category(mark) != "Pd" for mark in marks):
        return line
    return "".join(" " if mark.isspace() else "*" for mark in line)
