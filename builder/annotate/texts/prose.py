"""The prose of a text: what is left when code, formulas, addresses and markup are taken away.

Fences and code spans are those of CommonMark 0.31 (sections 4.5 and 6.1), delimiters of formulas
those that chat models write: `$`, `$$`, `\\(`, `\\[` and environments of LaTeX.
"""

from __future__ import annotations

import re
from typing import Final

_FENCE: Final = re.compile(
    r"^[ >]*(`{3,}|~{3,})[^\n]*\n(?:.*?^[ >]*\1[`~]*[ \t]*$|.*\Z)", re.M | re.S
)
"""A fence that is never closed runs to the end of the text, as CommonMark has it."""

_SPANS: Final = re.compile(
    r"""
      (?<!`)`[^`\n]{1,2000}`             # code span
    | \$\$[^$]{1,5000}\$\$               # displayed formula
    | \$(?=[^\s$])[^$\n]{1,300}(?<=\S)\$(?!\d)  # formula in a line; not: from $5 to $10
    | \\\([^\n]{1,1000}?\\\)
    | \\\[.{1,5000}?\\\]
    | \\begin\{(\w{1,30}\*?)\}.{1,10000}?\\end\{\1\}
    | </?[A-Za-z][^<>\n]{0,300}>         # tag
    | \b(?:https?://|www\.)\S+           # address
    | \\[A-Za-z]{2,30}\b                 # command of LaTeX
    """,
    re.S | re.X,
)

_CODE_LINE: Final = re.compile(
    r"""
      ^\s*(?:
        (?:from\s+[\w.]+\s+)?import\s+[\w.*{}, ]+;?$ | \#\s*include\b | using\s+[\w.]+;$
      | (?:async\s+)?def\s+\w+\s*\( | class\s+\w+\s*(?:\(.*\))?\s*[:{]
      | (?:public|private|protected|static|final|abstract)\s+\w+
      | (?:const|let|var|val)\s+\w+\s*(?::\s*\w+\s*)?= | func(?:tion)?\s+\w*\s*\(
      | (?:for\s+\w+(?:\s*,\s*\w+)*\s+in\b|for\s*\(|(?:if|elif|while|switch|with)\b).*[:{]$
      | (?:else|try|except|finally|catch)\b.{0,40}[:{]$
      | return\b.*[;)\]\w]$ | print\s*\(.*\)
      | (?:SELECT\s.+\sFROM|INSERT\s+INTO|CREATE\s+TABLE|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\b.*
      | (?:\$|>>>|\#)\s(?:pip|npm|git|sudo|cd|ls|curl|docker|python)\b.* | @\w+(?:\(.*\))?$
      | [\w.\[\]"']+\s*(?:[-+*/|&]?=|:=|<-)\s*\S.* | [\w.]+\([^)]*\)\s*;?$
      )
    | (?:[;{}]|=>|->|\)\s*:)\s*$ | ^\s*[{}()\[\];,]+
    """,
    re.X,
)
"""Lines of the most common programming languages that no sentence looks like."""

READ: Final = 20_000
"""Characters that are looked at. It bounds what a text of nothing but opened brackets costs."""

_LONGEST_LINE: Final = 400
"""Characters beyond which a line is taken for prose: nobody writes code in lines that long, and
the patterns need not be tried on a text of a megabyte without line ends."""


def without_spans(text: str) -> str:
    """Return the text with a blank for each code block, code span, formula, tag and address."""
    return _SPANS.sub(" ", _FENCE.sub(" ", text))


def prose(text: str) -> str:
    """Return the text without code, formulas, tags and addresses; '' where it is nothing else.

    `"Fix this:\\n```\\nx = 1\\n```"` -> `"Fix this:"`. Reads the first `READ` characters.
    """
    lines = without_spans(text[:READ]).splitlines()
    kept = [line for line in lines if len(line) > _LONGEST_LINE or not _CODE_LINE.search(line)]
    return "\n".join(kept).strip()
