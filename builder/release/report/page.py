"""The HTML page of a report: template, style and code put together, and shut off from the network.

The code of the page lies in `page/`: one part a file, put together in the order of `PARTS`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jinja2

from builder.release.markdown import duration, number, percent, size
from builder.release.report.packed import packed

FOLDER: Final = Path(__file__).with_name("page")
TEMPLATE: Final = "report.html.j2"
STYLES: Final = ("colours.css", "report.css", "charts.css", "rows.css")
PARTS: Final = (
    "data.js",
    "elements.js",
    "filters.js",
    "charts.js",
    "colours.js",
    "map.js",
    "list.js",
    "row.js",
    "start.js",
)

RESERVED: Final = {
    "failed": "the engine gave the row up",
    "duplicate": "an earlier row has the same instruction",
    "near-duplicate": "an earlier row has nearly the same instruction",
    "unjudged": "a judgement failed that is needed",
    "quota": "enough rows of its label came before it, or none are wanted",
    "unanswered": "its next judgement or its response is not there yet",
    "longest": "not among those that the last cut keeps",
}
"""What the reasons say that are no rules: `rows.RESERVED_DROP_REASONS`."""


def page(facts: Mapping[str, Any], data: Mapping[str, Any], extent: Mapping[str, Any]) -> str:
    """Return a whole page.

    `facts` are those of the split, `data` is what the code of the page reads, and `extent` says
    how many rows are on the page, and of how many. Everything that a model or a recipe wrote is
    escaped, or packed into `data`.
    """
    style, script = _joined(STYLES), _joined(PARTS)
    return (
        _environment()
        .get_template(TEMPLATE)
        .render(
            facts=facts,
            extent=extent,
            reserved=RESERVED,
            policy=policy(style, script),
            style=style,
            script=script,
            data=packed(data),
        )
    )


def policy(style: str, script: str) -> str:
    """Return the Content-Security-Policy: this style and this script, and nothing from anywhere.

    Scripts and styles are allowed by their hashes (CSP level 3), every other source is refused,
    and with trusted types no text can become HTML, whatever the script does.
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _joined(names: tuple[str, ...]) -> str:
    return "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in names)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(number=number, percent=percent, size=size, duration=duration)
    return environment
