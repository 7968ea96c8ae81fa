"""The shape of the house: which part may import which, and which library lives where."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILDER = ROOT / "builder"
FILES = sorted(path.relative_to(ROOT) for path in BUILDER.rglob("*.py"))

MAY_IMPORT = {
    "errors": set(),
    "rows": set(),
    "spec": set(),
    "text": set(),
    "neighbours": {"errors"},
    "annotate": {"errors", "rows", "spec", "neighbours", "text"},
    "recipe": {"errors", "rows", "spec", "annotate"},
    "engines": {"errors", "recipe"},
    "server": {"errors", "recipe", "engines", "run"},
    "run": {"errors", "rows", "recipe"},
    "generate": {"errors", "rows", "recipe", "engines", "run", "annotate", "neighbours", "text"},
    "select": {"errors", "rows", "recipe", "run", "neighbours", "text"},
    "release": {"errors", "rows", "recipe", "run", "annotate", "neighbours", "text"},
    "pipeline": {
        "errors",
        "annotate",
        "recipe",
        "engines",
        "run",
        "server",
        "generate",
        "select",
        "release",
    },
    "demo_model": {"annotate", "rows"},
}
"""Part of the house -> parts it may import. `cli` may import all, and nobody imports `cli`."""

HOMES = {
    "click": {"cli"},
    "rich": {"cli"},
    "pyarrow": {"release"},
    "xllamacpp": {"engines", "demo_model"},
    "pydantic": {"recipe", "annotate", "spec"},
    "yaml": {"recipe", "release", "demo_model"},
    "jinja2": {"recipe", "release"},
    "tokenizers": {"recipe", "demo_model"},
    "torch": {"demo_model"},
    "gguf": {"demo_model"},
    "huggingface_hub": {"recipe", "engines", "server", "cli", "release"},
    "docker": {"server"},
    "httptools": {"engines"},
    "msgspec": {"engines"},
    "numpy": {"neighbours", "annotate", "demo_model", "release"},
    "openTSNE": {"release"},
    "threadpoolctl": {"release"},
    "lingua": {"annotate"},
    "model2vec": {"annotate"},
    "sentence_transformers": {"annotate"},
}
"""Third-party library -> parts of the house that may import it."""


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def part_of(path: Path) -> str:
    return path.parts[1].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_part_imports_only_what_it_may(path: Path) -> None:
    part = part_of(path)
    if part in ("cli", "__main__", "__init__"):
        return
    inside = [name.split(".")[1] for name in imports(path) if name.startswith("builder.")]
    assert sorted(set(inside) - MAY_IMPORT[part] - {part}) == []


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_library_is_imported_at_its_home(path: Path) -> None:
    strangers = {
        name.split(".")[0]
        for name in imports(path)
        if part_of(path) not in HOMES.get(name.split(".")[0], {part_of(path)})
    }
    assert strangers == set()


def test_a_broad_except_stands_only_in_the_command_line() -> None:
    found = [
        str(path)
        for path in FILES
        if part_of(path) != "cli"
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
    ]
    assert found == []


def test_files_and_functions_stay_small() -> None:
    long_files, long_functions, lengths = [], [], []
    for path in FILES:
        text = (ROOT / path).read_text(encoding="utf-8")
        lengths.append(len(text.splitlines()))
        if lengths[-1] > 400:
            long_files.append(f"{path}: {lengths[-1]}")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                code = (node.end_lineno or 0) - node.body[0].lineno + 1
                if code > 50:
                    long_functions.append(f"{path}:{node.lineno} {node.name}: {code}")
    assert long_files == []
    assert long_functions == []
    assert sorted(lengths)[len(lengths) // 2] < 150


def test_the_main_path_is_short() -> None:
    assert len((BUILDER / "pipeline.py").read_text(encoding="utf-8").splitlines()) <= 120


def test_no_file_has_a_name_that_says_nothing() -> None:
    vague = {"utils", "util", "helpers", "common", "misc", "manager"}
    assert [str(path) for path in FILES if vague & set(path.with_suffix("").parts)] == []
