import json

import pytest
from pydantic import ValidationError

from builder.recipe.load import load_recipe
from builder.recipe.schema import Recipe
from builder.recipe.schema_index import known_keys
from tests.recipe.cases import SMALLEST


@pytest.fixture
def load(recipe_file):
    path = recipe_file(SMALLEST)
    return lambda *overrides: load_recipe(path, overrides)


def test_defaults(load):
    recipe = load()

    assert recipe.model.revision == "main"
    assert recipe.respond == "survivors"
    assert (recipe.response.temperature, recipe.response.top_p) == (0.0, 1.0)
    assert (recipe.select.longest, recipe.select.by) == (None, "response_length")
    assert (recipe.template, recipe.publish, recipe.annotate) == (None, None, ())


def test_a_recipe_survives_json(load):
    recipe = load("annotate=[quality]", "publish={repo: a/b, split: x}", "template.pre_query=Q")

    assert Recipe.model_validate(json.loads(recipe.model_dump_json())) == recipe


def test_a_recipe_cannot_be_changed(load):
    with pytest.raises(ValidationError):
        load().seed = 3


def test_one_endpoint_or_several(load):
    one = load("engine.kind=openai", "engine.endpoint=http://a")
    two = load("engine.kind=openai", "engine.endpoint=[http://a, http://b]")

    assert one.engine.endpoint == ("http://a",)
    assert two.engine.endpoint == ("http://a", "http://b")


def test_shape_is_flat_and_complete(load):
    assert load().shape() == {
        "model.id": "demo",
        "model.revision": "main",
        "template": None,
        "engine.kind": "scripted",
        "engine.model_file": None,
        "seed": 1,
        "instruction.system": None,
        "instruction.sweep.0.temperature": 1.0,
        "instruction.sweep.0.top_p": 1.0,
        "instruction.sweep.0.weight": 1.0,
        "instruction.max_tokens": 20,
        "instruction.stop_at_newline": False,
        "response.temperature": 0.0,
        "response.top_p": 1.0,
        "response.max_tokens": 30,
    }


@pytest.mark.parametrize(
    "override",
    [
        "name=other",
        "version=2.0.0",
        "summary=other",
        "target.kept=99",
        "target.sampled=99",
        "respond=all",
        "annotate=[quality]",
        "rules.instruction.a=row > 1",
        "select.longest=3",
        "publish={repo: a/b, split: x}",
        "engine.concurrency=3",
        "engine.delay=0.5",
        "model.license=mit",
    ],
)
def test_what_may_change_on_a_run_that_stands(override, load):
    assert load(override).shape() == load().shape()


@pytest.mark.parametrize(
    ("override", "keys"),
    [
        ("model.id=a/b", {"model.id"}),
        ("seed=2", {"seed"}),
        ("engine.kind=embedded", {"engine.kind"}),
        ("instruction.max_tokens=9", {"instruction.max_tokens"}),
        ("instruction.system=Ask.", {"instruction.system"}),
        ("instruction.sweep.0.weight=2", {"instruction.sweep.0.weight"}),
        ("response.temperature=0.5", {"response.temperature"}),
        (
            "template.pre_query=Q",
            {
                "template",
                "template.pre_query",
                "template.response_prefix",
                "template.response_suffix",
                "template.stops",
                "template.bos",
            },
        ),
    ],
)
def test_what_shapes_the_rows_says_which_keys_differ(override, keys, load):
    before, after = load().shape(), load(override).shape()

    assert {key for key in before | after if before.get(key, ...) != after.get(key, ...)} == keys


def test_every_key_says_what_to_write():
    assert [key for key, text in known_keys().items() if text == "another value"] == []
