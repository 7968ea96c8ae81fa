"""The one sink of what commands say: to people, or as one JSON document, or hardly at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import click
from rich.console import Console, RenderableType

Command = TypeVar("Command", bound=Callable[..., Any])


class Output:
    """Where a command's words go.

    With `as_json`, stdout gets the one document given to `document` and nothing else; words for
    people go to stderr. `quiet` leaves out what is not asked for.
    """

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self.people = Console(stderr=as_json, highlight=False)
        self.live = Console(stderr=True, highlight=False)

    def say(self, *parts: RenderableType) -> None:
        """Tell people something that they need not wait for."""
        if self.quiet or self.as_json:
            return
        for part in parts:  # a text keeps its lines, so that commands and paths can be copied
            self.people.print(
                part, soft_wrap=isinstance(part, str), markup=not isinstance(part, str)
            )

    def document(self, content: object) -> None:
        """Print the JSON document, if one is wanted."""
        if self.as_json:
            click.echo(json.dumps(content, indent=2, ensure_ascii=False))


def output_options(command: Command) -> Command:
    """Add `--json` and `--quiet` to a command."""
    json_option = click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON document on stdout."
    )
    quiet_option = click.option("--quiet", is_flag=True, help="Say only what went wrong.")
    return json_option(quiet_option(command))
