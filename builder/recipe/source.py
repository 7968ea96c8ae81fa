"""Where recipes lie and how their text is read."""

from __future__ import annotations

import os
from pathlib import Path

from builder.recipe.faults import Fault, nearest

LARGEST = 262_144
"""Bytes of a recipe file. The longest real ones have 5 KB; beyond this it is the wrong file."""


class UnreadableError(Exception):
    """The text of a recipe could not be had; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def recipe_folder() -> Path:
    """Return the folder of the shipped recipes: in the installed package, else in the checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_data" / "recipes"
    return installed if installed.is_dir() else package.parent / "recipes"


def shipped_recipes() -> list[Path]:
    """Return the files of the recipes that come with magpie, by name."""
    return sorted(recipe_folder().glob("*.yaml"))


def recipe_path(source: str | Path) -> Path:
    """Return the file that `source` means: a path, or the name of a shipped recipe.

    A file that exists wins over a shipped recipe of that name. Paths inside the recipe are
    relative to the parent of what is returned.
    """
    path = Path(source)
    if path.exists() or isinstance(source, Path) or path.name != source or path.suffix:
        return path
    shipped = recipe_folder() / f"{source}.yaml"
    return _from_here(shipped) if shipped.is_file() else path


def read_recipe_text(path: Path) -> str:
    """Return the text of a recipe file. Raises `UnreadableError`."""
    try:
        if path.is_dir():
            raise _unreadable(path, "is a folder", "name one of the .yaml files in it")
        size = path.stat().st_size
        if size > LARGEST:
            raise _unreadable(
                path, f"has {size} bytes, which is no recipe", f"a recipe has at most {LARGEST}"
            )
        data = path.read_bytes()
    except FileNotFoundError:
        raise _unreadable(path, "no such file", _shipped_hint(path)) from None
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror}", "") from error
    return _decode(path, data)


def _decode(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        message = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise UnreadableError(
            Fault(str(path), line, "", message, "save the file as UTF-8")
        ) from error


def _unreadable(path: Path, message: str, mend: str) -> UnreadableError:
    return UnreadableError(Fault(str(path), None, "", message, mend))


def _shipped_hint(path: Path) -> str:
    names = [recipe.stem for recipe in shipped_recipes()]
    near = nearest(path.stem, names)
    if near and near != path.stem:
        return f"did you mean {near}?"
    return f"write the path of a recipe, or one of {', '.join(names)}"


def _from_here(path: Path) -> Path:
    """Return the path relative to the working directory if it lies inside: messages stay short."""
    here = Path(os.path.realpath(Path.cwd()))
    return path.relative_to(here) if path.is_relative_to(here) else path
