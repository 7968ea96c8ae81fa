"""Every command has help with an example, and what the door lists is what is there."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest

from builder.cli import COMMANDS, magpie


def commands() -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    context = click.Context(magpie)
    for name in magpie.list_commands(context):
        command = magpie.get_command(context, name)
        assert command is not None
        found[name] = command
        if isinstance(command, click.Group):
            found |= {f"{name} {sub}": inner for sub, inner in command.commands.items()}
    return found


@pytest.mark.parametrize("name", sorted(commands()))
def test_a_command_has_help_and_an_example(name: str) -> None:
    text = commands()[name].help or ""
    assert "Example" in text
    assert f"magpie {name.split(maxsplit=1)[0]}" in text
    undocumented = [
        parameter.name
        for parameter in commands()[name].params
        if isinstance(parameter, click.Option) and not parameter.help
    ]
    assert undocumented == []


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_short_help_is_the_first_line_of_the_help(name: str) -> None:
    first = " ".join((commands()[name].help or "").split("\n\n")[0].split())
    assert first == COMMANDS[name][1]


def test_help_imports_no_command() -> None:
    code = (
        "import sys; from builder.cli import magpie; "
        "magpie.main(['--help'], standalone_mode=False); "
        "print(sorted({'polars', 'pydantic', 'rich', 'pyarrow', 'datasets'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_python_dash_m_builder_is_magpie() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "builder", "--version"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=os.environ | {"NO_COLOR": "1"},
    )
    assert done.stdout.startswith("magpie, version ")
