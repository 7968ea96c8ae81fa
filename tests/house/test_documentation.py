"""What the documentation says is true: its sessions, its commands, its paths."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from builder.cli import magpie
from tests.house.session import FENCE, ROOT, Step, play, steps

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")]


def shape(printed: str) -> str:
    """An output with its numbers made equal, and the room that they take.

    llama.cpp rounds differently on another processor, so that a row in a thousand comes out
    another; the counts of the funnel then move by one or two.
    """
    return re.sub(r"[\d.,%]+|[─ ]+", " ", printed)


def readme_steps() -> list[Step]:
    return [step for block in FENCE.findall(README) for step in steps(block)]


@pytest.mark.slow
def test_the_session_of_the_readme_is_real_output(tmp_path: Path) -> None:
    for step in readme_steps():
        printed = play(step.command, tmp_path)
        if step.command.startswith("magpie build"):
            assert shape(printed) == shape(step.printed)
        else:
            assert printed == step.printed


def test_the_readme_has_a_session_on_its_first_screen() -> None:
    assert "```console" in "\n".join(README.splitlines()[:30])


def said_commands() -> list[str]:
    found = []
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        found += re.findall(r"(?:`|^(?:\$ )?)(magpie [a-z][^`\n#]*)", text, re.MULTILINE)
    return sorted({command.strip() for command in found})


@pytest.mark.parametrize("command", said_commands())
def test_a_command_in_the_documentation_exists(command: str) -> None:
    """Parse it as click would, without running it: command, subcommand and options are there."""
    words = shlex.split(command.replace("...", ""))[1:]
    here: click.Command = magpie
    while isinstance(here, click.Group) and words and not words[0].startswith("-"):
        inner = here.get_command(click.Context(here), words.pop(0))
        assert inner is not None, command
        here = inner
    options = {text for parameter in here.params for text in parameter.opts}
    unknown = {word for word in words if word.startswith("-")} - options - {"--help", "-h"}
    assert unknown == set()


def tree_entries() -> list[str]:
    """The paths that the annotated tree of the README names."""
    tree = README.split("## How it is laid out")[1].split("```")[1]
    found, folders = [], [""]
    for line in tree.splitlines():
        name = line.split("  ")[0] if not line.startswith(" ") else line.strip().split("  ")[0]
        if not name.strip() or name == "text":
            continue
        depth = (len(line) - len(line.lstrip())) // 2
        folders[depth + 1 :] = []
        path = folders[depth] + name.strip()
        found.append(path)
        folders.append(path if path.endswith("/") else folders[depth])
    return found


def test_the_tree_of_the_readme_is_the_tree() -> None:
    entries = tree_entries()
    assert len(entries) > 20
    assert [entry for entry in entries if not (ROOT / entry).exists()] == []
    folders = {f"builder/{path.parent.name}/" for path in (ROOT / "builder").glob("*/__init__.py")}
    assert folders - set(entries) == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_path_in_the_documentation_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    paths = re.findall(r"`((?:builder|recipes|tests|dataset_cards)/[\w./-]*)`", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_make_target_says_what_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    documented = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    assert set(phony[1].split()) == documented
    for target in re.findall(r"`make ([a-z-]+)", README):
        assert target in documented
