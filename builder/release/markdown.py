"""How values stand in Markdown: what a table, a code span or a fence would break is escaped."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final

_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>|#~$&@]|^[-+]|(?<=^\d)[.)](?!\S)|:(?=//)|(?<=www)\.)")
"""What Markdown, or GitHub's and the Hub's additions to it, take for a sign of their own."""

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories of what is not seen: controls, marks of direction, halves of surrogates."""

_JOINERS: Final = frozenset("\u200c\u200d")
"""What is not seen and belongs to words of some scripts, and to emoji."""


def visible(value: object) -> str:
    """Return text with each character that cannot be seen named: NUL -> `[U+0000]`.

    Line ends and tabs stay. A mark that turns the direction of writing would turn what follows.
    """
    return _named(str(value), lambda hidden: f"[U+{ord(hidden):04X}]")


def _named(words: str, name: Callable[[str], str]) -> str:
    return "".join(name(one) if _is_hidden(one) else one for one in words)


def _is_hidden(one: str) -> bool:
    return one not in "\n\t" and one not in _JOINERS and unicodedata.category(one) in _HIDDEN


def _line(value: object) -> str:
    return visible(" ".join(str(value).split()))


def text(value: object) -> str:
    r"""Return words of a stranger as plain words on one line: `a|b <i>` -> `a\|b \<i\>`."""
    return _SPECIAL.sub(r"\\\1", _line(value))


def code(value: object) -> str:
    r"""Return a code span that a table cell can hold: `a || b` -> `` `a \|\| b` ``.

    A backslash that stands before a pipe would take its escape away, so such text is written in
    HTML. See `span` for what stands outside of tables.
    """
    line = _line(value)
    if "\\|" in line:
        inside = "".join(c if c.isalnum() or c == " " else f"&#{ord(c)};" for c in line)
        return f"<code>{inside}</code>"
    return span(line).replace("|", "\\|")


def span(value: object) -> str:
    """Return a code span for a sentence or a list, where a pipe is no sign.

    Line ends become spaces. The fence is longer than any run of backticks inside.
    """
    line = _line(value)
    fence = "`" * (_longest_run(line) + 1)
    pad = " " if "`" in line else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def block(value: object) -> str:
    """Return a value as JSON in a fenced block: exact, line ends and white space visible."""
    readable = json.dumps(value, indent=2, ensure_ascii=False)
    body = _named(readable, lambda hidden: json.dumps(hidden)[1:-1])
    fence = "`" * max(3, _longest_run(body) + 1)
    return f"{fence}json\n{body}\n{fence}"


def quoted(value: object) -> str:
    """Return generated text as one line of HTML: nothing in it is Markdown, HTML or mathematics.

    Line ends become `<br>`, and white space at the start of a line stays. A line of Markdown that
    begins with an HTML block is passed on as it stands (CommonMark 0.31, 4.6).
    """
    lines = (_indented(line) for line in re.split(r"\r\n|\r|\n", str(value)))
    return "<br>".join(lines)


def _indented(line: str) -> str:
    body = line.lstrip(" \t")
    indent = line[: len(line) - len(body)].replace("\t", "    ")
    escaped = html.escape(visible(body)).replace("$", "<span>$</span>")
    return "&nbsp;" * len(indent) + escaped


def _longest_run(line: str) -> int:
    return max((len(run) for run in re.findall(r"`+", line)), default=0)


def number(value: float) -> str:
    """Return a number with its thousands apart: 12345 -> `12,345`, 0.9 -> `0.9`."""
    return f"{value:,}"


def percent(share: float) -> str:
    """Return a share as per cent with one decimal: 0.1234 -> `12.3 %`."""
    return f"{100 * share:.1f} %"


def size(count: float) -> str:
    """Return bytes in the unit that suits: 1_234_567 -> `1.2 MB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} bytes" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def duration(seconds: float) -> str:
    """Return a time in the units that suit: 7.25 -> `7.2 s`, 754 -> `12 min 34 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min {rest} s"


FILTERS: Final[Mapping[str, Callable[[Any], str]]] = {
    "text": text,
    "code": code,
    "span": span,
    "block": block,
    "quoted": quoted,
    "number": number,
    "percent": percent,
    "size": size,
    "duration": duration,
}
"""Names under which the templates of cards use them."""
