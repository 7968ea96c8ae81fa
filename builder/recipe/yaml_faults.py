"""YAML that cannot be read: PyYAML's problem in words that say what to change."""

from __future__ import annotations

import re
from typing import Final

import yaml

from builder.recipe.faults import Fault, shorten

_KNOWN: Final = (
    (r"found character '\\t'", "saw a tab", "indent with spaces"),
    (
        r"mapping values are not allowed",
        "saw a second colon, or a line indented further than the one above",
        "put text with a colon in quotes, or mend the indentation",
    ),
    (
        r"expected <block end>|expected '<document start>'",
        "saw a line that does not line up with those above",
        "give the keys of a section the same indentation",
    ),
    (
        r"sequence entries are not allowed|but found '-'",
        "saw a - in the middle of a line",
        "begin a new line with it, or put the text in quotes",
    ),
    (r"mapping keys are not allowed", "saw a ? that begins a key", "put the text in quotes"),
    (
        r"for merging",
        "saw << beside what is no section",
        "write <<: *NAME, where &NAME stands before a section",
    ),
    (
        r"chomping or indentation|expected a comment or a line break",
        "saw text behind | or >",
        "begin it on the next line, or put it in quotes",
    ),
    (r"unknown escape character", "saw an unknown escape", "use 'single quotes' or double the \\"),
    (r"found undefined alias", "saw an alias without its anchor", "set &NAME before *NAME"),
    (r"second occurrence", "saw the same anchor twice", "give one of them another name"),
    (r"but found another document", "saw a second document", "keep one recipe in one file"),
    (
        r"that cannot start|expected the node content|expected alphabetic",
        "saw a character that cannot begin a value",
        "put the value in quotes",
    ),
    (r"invalid leading UTF-8|unacceptable character", "saw a control character", "delete it"),
)
"""Pattern of PyYAML's problem, what was seen, what to do."""

_NEVER_ENDED: Final = (
    (r"could not find expected ':'", "saw a line without a colon", "write key: value"),
    (r"unexpected end of stream", "saw quotes that are never closed", "close them"),
    (r"expected ',' or ']'", "saw a bracket that is never closed", "close it with ]"),
    (r"expected ',' or '}'", "saw a brace that is never closed", "close it with }"),
)
"""The same for what is noticed only later: the place to mend is where it began."""


def syntax_fault(error: yaml.YAMLError, text: str, file: str) -> Fault:
    """Return the fault for what PyYAML could not read, with its line and column (from 1)."""
    problem, line, column = _problem(error, text)
    for pattern, seen, mend in _NEVER_ENDED:
        if re.search(pattern, problem) and isinstance(error, yaml.MarkedYAMLError):
            began = error.context_mark
            if began is not None:
                line, column = began.line + 1, began.column + 1
            return Fault(file, line, "", seen, mend, column=column)
    for pattern, seen, mend in _KNOWN:
        if re.search(pattern, problem):
            return Fault(file, line, "", seen, mend, column=column)
    return Fault(file, line, "", f"is no YAML here ({shorten(problem)})", "", column=column)


def _problem(error: yaml.YAMLError, text: str) -> tuple[str, int, int]:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        where = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        return f"{error.problem or error.context}", *where
    position = getattr(error, "position", 0)
    before = text[:position]
    line = before.count("\n") + 1
    return "unacceptable character", line, position - (before.rfind("\n") + 1) + 1
