"""How values stand in Markdown: what a table, a code span or a fence would break is escaped."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>|#~$&]|^[-+]|(?<=^\d)[.)])")


def text(value: object) -> str:
    r"""Return words of a stranger as plain words on one line: `a|b <i>` -> `a\|b \<i\>`."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(value).split()))


def code(value: object) -> str:
    r"""Return a code span that a table cell can hold: `a || b` -> `` `a \|\| b` ``.

    Line ends become spaces. The fence is longer than any run of backticks inside. A backslash
    that stands before a pipe would take its escape away, so such text is written in HTML.
    """
    line = " ".join(str(value).split())
    if "\\|" in line:
        inside = "".join(c if c.isalnum() or c == " " else f"&#{ord(c)};" for c in line)
        return f"<code>{inside}</code>"
    fence = "`" * (_longest_run(line) + 1)
    pad = " " if "`" in line else ""
    return f"{fence}{pad}{line}{pad}{fence}".replace("|", "\\|")


def block(value: object) -> str:
    """Return a value as JSON in a fenced block: exact, line ends and white space visible."""
    body = json.dumps(value, indent=2, ensure_ascii=False)
    fence = "`" * max(3, _longest_run(body) + 1)
    return f"{fence}json\n{body}\n{fence}"


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
    "block": block,
    "number": number,
    "percent": percent,
    "size": size,
    "duration": duration,
}
"""Names under which the templates of cards use them."""
