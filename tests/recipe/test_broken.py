"""Every broken recipe of broken/*.yaml gets exactly the lines that stand beside it."""

from pathlib import Path

import pytest

from builder.errors import RecipeError
from builder.recipe.load import check_recipe, load_recipe
from tests.recipe.cases import SMALLEST, cases

FILES = ("annotators", "engines", "licenses", "rules", "text", "values")

BROKEN = [case for name in FILES for case in cases(f"broken/{name}.yaml")]


def text_of(case):
    text = case.get("text", SMALLEST)
    for old, new in case.get("swap", {}).items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text + case.get("add", "")


@pytest.mark.parametrize("case", BROKEN)
def test_every_fault_and_no_other(case, recipe_file):
    path = recipe_file(text_of(case))

    assert [str(fault) for fault in check_recipe(path)] == case["faults"]


def test_the_error_carries_the_same_lines(recipe_file):
    path = recipe_file(SMALLEST.replace("seed: 1", "seed: one") + "colr: 1\nrespnd: all\n")

    with pytest.raises(RecipeError) as error:
        load_recipe(path)

    assert error.value.faults == tuple(str(fault) for fault in check_recipe(path))
    assert error.value.message == "my.yaml: 3 faults"
    assert str(error.value).splitlines() == [*error.value.faults, "my.yaml: 3 faults"]


def test_a_fault_knows_its_parts(recipe_file):
    (fault,) = check_recipe(recipe_file(SMALLEST.replace("kept: 10", "kept: ten")))

    assert (fault.file, fault.line, fault.column) == ("my.yaml", 7, None)
    assert (fault.key, fault.seen, fault.message) == ("target.kept", '"ten"', 'saw the text "ten"')
    assert fault.mend == "write a whole number from 1 to 1000000000000"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("dmeo", "dmeo: no such file; did you mean demo?"),
        (
            "recipes/zzz.yaml",
            "recipes/zzz.yaml: no such file; write the path of a recipe, or one of demo, "
            "magpie-air, magpie-pro",
        ),
        ("folder", "folder: is a folder; name one of the .yaml files in it"),
        ("latin.yaml", "latin.yaml:2: byte 0xe9 is not UTF-8; save the file as UTF-8"),
        (
            "large.yaml",
            "large.yaml: has 262145 bytes, which is no recipe; a recipe has at most 262144",
        ),
    ],
)
def test_what_is_no_recipe_at_all(source, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("latin.yaml").write_bytes("name: a\nsummary: é\n".encode("latin-1"))
    Path("large.yaml").write_bytes(b"#" * 262_145)

    assert [str(fault) for fault in check_recipe(source)] == [line]
