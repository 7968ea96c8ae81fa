"""Rendering of chat templates: Jinja in a sandbox, with what templates on the Hub rely on.

The names and settings are those that Hugging Face's documentation promises to the writers of
chat templates: blocks trimmed, `raise_exception`, `strftime_now`, `tojson` without HTML escapes,
`break` and `continue`, and `{% generation %}` around what the assistant says.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

Message = Mapping[str, object]

PINNED_DATE: Final = datetime.datetime(2024, 7, 26)
"""The day that templates are told it is. It must not be today, or every day would make another
pre-query template out of the same model. This is the day that the templates of Llama 3.1 to 3.3
themselves fall back to."""


class RefusedError(Exception):
    """The template did not render; the text says why, in the template's own words if it has any."""


class ChatTemplate:
    """A compiled chat template. `tells_date` says, after rendering, whether it asked for a date."""

    def __init__(self, text: str, special: Mapping[str, str]) -> None:
        """Compile a template. Raises `RefusedError` where it is no Jinja."""
        self.special = special
        self.tells_date = False
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.loopcontrols", _Generation],
        )
        environment.filters["tojson"] = _tojson
        environment.globals["raise_exception"] = _raise
        environment.globals["strftime_now"] = self._strftime
        try:
            self._template = environment.from_string(text)
        except jinja2.TemplateSyntaxError as error:
            raise RefusedError(f"no Jinja in its line {error.lineno}: {error.message}") from error

    def render(self, messages: Sequence[Message], *, prompt: bool = False) -> str:
        """Return the text of a conversation; with `prompt`, up to where an answer begins.

        Raises `RefusedError`.
        """
        values: dict[str, Any] = {
            **self.special,
            "messages": [dict(message) for message in messages],
            "tools": None,
            "documents": None,
            "add_generation_prompt": prompt,
        }
        try:
            return self._template.render(values)
        except jinja2.TemplateError as error:
            raise RefusedError(error.message or "no reason given") from error
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            raise RefusedError(f"it fails on these messages ({error})") from error

    def _strftime(self, form: str) -> str:
        self.tells_date = True
        return PINNED_DATE.strftime(form)


def _raise(message: str) -> str:
    raise jinja2.TemplateError(message)


def _tojson(
    value: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Jinja's own `tojson` escapes <, > and & for HTML, which no model was trained on."""
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


class _Generation(Extension):
    """`{% generation %}...{% endgeneration %}` marks what to train on: its inside, nothing more."""

    tags = {"generation"}  # noqa: RUF012 - the base class declares it so

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)
