"""Reading recipes and `--set`. Faults of whole recipes are in test_broken.py."""

import subprocess
import sys
from pathlib import Path

import pytest

from builder.errors import RecipeError, UsageError
from builder.recipe.load import check_recipe, load_recipe, recipe_path, shipped_recipes
from builder.recipe.new import new_recipe
from tests.recipe.cases import SMALLEST


@pytest.fixture
def smallest(recipe_file):
    return recipe_file(SMALLEST)


@pytest.mark.parametrize("name", ["demo", "magpie-air", "magpie-pro"])
def test_shipped_recipes_pass(name):
    assert check_recipe(name) == ()
    assert load_recipe(name).name == name


def test_what_keeps_rows_from_being_published_keeps_none_from_being_made(recipe_file):
    text = SMALLEST.replace("license: llama3", "license: unknown")
    path = recipe_file(f"{text}publish: {{repo: org/set, split: train}}\n")

    (fault,) = check_recipe(path)

    assert fault.key == "model.license"
    assert load_recipe(path).model.license == "unknown"


def test_shipped_recipes_are_listed_by_name():
    assert [path.stem for path in shipped_recipes()] == ["demo", "magpie-air", "magpie-pro"]


def test_a_file_wins_over_a_shipped_recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("demo").write_text(SMALLEST)

    assert recipe_path("demo") == Path("demo")
    assert load_recipe("demo").name == "smallest"


@pytest.mark.parametrize("model", ["demo", "org/Some-Model-Instruct"])
def test_a_new_recipe_passes_as_it_stands(model, recipe_file):
    path = recipe_file(new_recipe("my-recipe", model))

    recipe = load_recipe(path)

    assert (recipe.name, recipe.model.id) == ("my-recipe", model)


def test_a_new_recipe_needs_a_name():
    with pytest.raises(UsageError) as error:
        new_recipe("My Recipe")

    assert str(error.value) == (
        '"My Recipe" is no name for a recipe\n'
        "use lower-case letters and digits with single dashes between, such as my-recipe"
    )


def test_reading_a_recipe_does_not_import_polars():
    code = "import sys, builder.recipe.load; print('polars' in sys.modules)"

    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert out.stdout == "False\n"


@pytest.mark.parametrize(
    ("override", "read"),
    [
        ("seed=7", lambda r: r.seed == 7),
        ("instruction.max_tokens=64", lambda r: r.instruction.max_tokens == 64),
        (
            "instruction.sweep.0.temperature=0.9",
            lambda r: r.instruction.sweep[0].temperature == 0.9,
        ),
        ("instruction.sweep[0].top_p=1", lambda r: r.instruction.sweep[0].top_p == 1.0),
        ("instruction.stop_at_newline=true", lambda r: r.instruction.stop_at_newline is True),
        ("instruction.system=Ask: why?  # really", lambda r: r.instruction.system.endswith("lly")),
        ('summary="7"', lambda r: r.summary == "7"),
        ("annotate=[quality, difficulty]", lambda r: r.annotate == ("quality", "difficulty")),
        ("select.longest=5", lambda r: r.select.longest == 5),
        ("rules.instruction.a=row > 1 -- b: c", lambda r: r.rules.instruction["a"][-4:] == "b: c"),
        ("publish={repo: a/b, split: x}", lambda r: r.publish.repo == "a/b"),
        ("publish=", lambda r: r.publish is None),
        ("response.temperature=1", lambda r: r.response.temperature == 1.0),
        ("target.sampled=3", lambda r: (r.target.sampled, r.target.kept) == (3, None)),
    ],
)
def test_an_override_is_typed_as_yaml(override, read, smallest):
    assert read(load_recipe(smallest, [override]))


def test_the_last_override_of_a_key_wins(smallest):
    assert load_recipe(smallest, ["seed=7", "seed=8"]).seed == 8


def test_a_target_that_leaves_the_cut_nothing_takes_it_away(recipe_file):
    path = recipe_file(SMALLEST.replace("kept: 10", "kept: 900") + "select: {longest: 500}\n")

    assert load_recipe(path, ["target.kept=200"]).select.longest is None
    assert load_recipe(path, ["target.kept=600"]).select.longest == 500
    with pytest.raises(RecipeError, match=r"saw 500, more than the 200 rows of target\.kept"):
        load_recipe(path, ["select.longest=500", "target.kept=200"])


def test_another_kind_of_engine_takes_the_options_of_the_old_one_away(recipe_file):
    tgi = "kind: tgi, concurrency: 8, endpoint: 'http://a'"
    path = recipe_file(SMALLEST.replace("kind: scripted", tgi))

    embedded = load_recipe(path, ["engine.kind=embedded", "engine.context=64"]).engine
    openai = load_recipe(path, ["engine.kind=openai"]).engine

    assert (embedded.endpoint, embedded.concurrency, embedded.context) == ((), 8, 64)
    assert openai.endpoint == ("http://a",)


WHOLE = "write a whole number from 0 to 2147483647"


@pytest.mark.parametrize(
    ("overrides", "lines"),
    [
        (["seed"], ['--set seed: saw "seed"; write key=value, such as instruction.max_tokens=64']),
        (["=4"], ['--set =4: saw "=4"; write key=value, such as instruction.max_tokens=64']),
        (["sed=4"], ["--set sed=4: sed: unknown key; did you mean seed?"]),
        (
            ["instruction.max_token=4"],
            [
                "--set instruction.max_token=4: instruction.max_token: unknown key; "
                "did you mean max_tokens?"
            ],
        ),
        (["seed=x"], [f'--set seed=x: seed: saw the text "x"; {WHOLE}']),
        (["seed=true"], [f"--set seed=true: seed: saw true; {WHOLE}"]),
        (["seed='1'"], [f"--set seed='1': seed: saw the text \"1\"; {WHOLE}, without quotes"]),
        (["seed="], [f"--set seed=: seed: saw nothing; {WHOLE}"]),
        (["seed.x=1"], ["--set seed.x=1: seed.x: seed is a single value; set seed itself"]),
        (
            ["instruction.sweep.1.top_p=1"],
            [
                "--set instruction.sweep.1.top_p=1: instruction.sweep[1].top_p: "
                "instruction.sweep has no item 1; its items are 0 to 0"
            ],
        ),
        (
            ["target.kept=1", "target.sampled=2"],
            ["--set target.sampled=2: target.sampled: stands beside kept; keep one of the two"],
        ),
        (
            ["engine={kind: openai}"],
            [
                "--set engine={kind: openai}: engine.endpoint: missing: the engine openai starts "
                "no server; write the address of a running server, such as http://localhost:8080"
            ],
        ),
        (
            ["rules.instruction.a=rwo > 1"],
            [
                "--set rules.instruction.a=rwo > 1: rules.instruction.a: unknown column rwo; "
                "did you mean row?"
            ],
        ),
    ],
)
def test_a_fault_in_an_override_names_the_override(overrides, lines, smallest):
    assert [str(fault) for fault in check_recipe(smallest, overrides)] == lines


def test_faults_of_overrides_come_after_those_of_the_file(recipe_file):
    path = recipe_file(SMALLEST.replace("kept: 10", "kept: 0"))

    faults = check_recipe(path, ["seed=-1"])

    assert [fault.key for fault in faults] == ["target.kept", "seed"]


def test_anchors_and_merges_are_read(recipe_file):
    text = SMALLEST.replace("{temperature: 1.0}", "&a {temperature: 1.0}, {<<: *a, top_p: 0.9}")

    sweep = load_recipe(recipe_file(text)).instruction.sweep

    assert [(p.temperature, p.top_p) for p in sweep] == [(1.0, 1.0), (1.0, 0.9)]


def test_paths_in_a_recipe_are_relative_to_it(tmp_path, monkeypatch):
    (tmp_path / "here" / "weights").mkdir(parents=True)
    (tmp_path / "here" / "my.yaml").write_text(SMALLEST.replace("id: demo", "id: ./weights"))
    monkeypatch.chdir(tmp_path)

    assert check_recipe("here/my.yaml") == ()
