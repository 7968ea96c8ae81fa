from __future__ import annotations

import click
import pytest

from builder.cli.door import run
from builder.errors import EngineError, InterruptedRunError, RecipeError, UsageError


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (EngineError("it broke", mend="mend it"), 1, "error: it broke\nmend it\n"),
        (UsageError("no"), 2, "error: no\n"),
        (RecipeError("r: 1 fault", faults=("r:1: x",)), 2, "r:1: x\nerror: r: 1 fault\n"),
        (InterruptedRunError("stopped: 3 rows", mend="go"), 3, "stopped: 3 rows\ngo\n"),
        (KeyboardInterrupt(), 3, "\nstopped\nRun the same command to go on.\n"),
        (click.ClickException("what?"), 1, "Error: what?\n"),
    ],
)
def test_errors_become_text_and_status(error, status, text, capsys):
    @click.command()
    def command() -> None:
        raise error

    assert run(command, []) == status
    assert capsys.readouterr() == ("", text)


def test_an_unexpected_error_is_one_message(capsys, monkeypatch):
    monkeypatch.delenv("MAGPIE_TRACEBACK", raising=False)

    @click.command()
    def command() -> None:
        raise ZeroDivisionError("oh")

    assert run(command, []) == 1
    assert capsys.readouterr().err.splitlines() == [
        "error: unexpected ZeroDivisionError: oh",
        "This is a fault of magpie. Please report it, with the output under MAGPIE_TRACEBACK=1. "
        "What the run holds is safe.",
    ]


def test_an_unknown_command_names_the_nearest(say):
    said = say("bild")
    assert said.status == 2
    assert said.err.endswith("Error: There is no command 'bild'. Did you mean build?\n")
