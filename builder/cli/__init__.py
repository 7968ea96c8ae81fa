"""The command line. `main` is the door: the only place where errors become text and exit status.

Commands are imported when they are called, so `magpie --help` starts at once.
"""

from __future__ import annotations

import difflib
import importlib
import sys

import click

from builder import __version__

COMMANDS = {
    "build": ("builder.cli.build:build", "Start or resume a run, up to a finished release."),
    "publish": ("builder.cli.release:publish", "Publish the release of a run."),
    "status": ("builder.cli.status:status", "Say how far runs have come."),
    "show": ("builder.cli.show:show", "Read rows of a run, dropped ones with their reason."),
    "filter": ("builder.cli.release:filter_", "Select anew after an edit of the rules."),
    "card": ("builder.cli.release:card", "Render the card of a release anew."),
    "report": (
        "builder.cli.report:report",
        "Make an HTML page to explore a run: charts, map and rows in one file.",
    ),
    "recipe": ("builder.cli.recipe:recipe", "List, show, check and start recipes."),
    "serve": (
        "builder.cli.server:serve",
        "Start the containers that serve a recipe's model, and leave them running.",
    ),
    "stop": (
        "builder.cli.server:stop",
        "Stop what `magpie serve` started, and what a crashed build left over.",
    ),
    "logs": ("builder.cli.server:logs", "Show what the servers of a recipe say."),
    "doctor": (
        "builder.cli.doctor:doctor",
        "Say what is missing on this machine for a recipe, and the mend.",
    ),
}
"""Name -> (where the command is, its short help, equal to the first line of its own)."""


class LazyGroup(click.Group):
    """A group whose commands are imported only when one of them is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names, in the order in which people need them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            near = difflib.get_close_matches(cmd_name, COMMANDS, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise click.UsageError(f"There is no command {cmd_name!r}.{hint}", ctx)
        module, attribute = COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="magpie")
def magpie() -> None:
    """Build and publish Magpie data sets.

    An aligned LLM is given its chat template up to where the user's words would stand; it writes
    an instruction, then answers it.

    \b
      magpie build demo            the whole way, offline, with a small model
      magpie show runs/demo        what came out
      magpie recipe new mine       a recipe of your own
    """


def main() -> None:
    """Run a command and end the process with its exit status."""
    from builder.cli.door import run

    sys.exit(run(magpie))
