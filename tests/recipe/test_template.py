"""Templates derived from chat templates: the cases are in templates/*.yaml."""

from dataclasses import replace

import pytest

from builder.errors import TemplateError
from builder.recipe.schema import Recipe
from builder.recipe.template import PromptTemplate, derive_template, recipe_template
from builder.recipe.validate import STAND_IN
from tests.recipe.cases import cases, files_of

DERIVED = [*cases("templates/turns.yaml"), *cases("templates/plain.yaml")]

CHATML = {
    "special": {"bos_token": "<s>", "eos_token": "<|im_end|>"},
    "template": "{{ bos_token }}{% for m in messages %}"
    "{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}",
}


def recipe(**template: object) -> Recipe:
    return Recipe.model_validate(STAND_IN | {"template": template or None})


@pytest.mark.parametrize("case", DERIVED)
def test_derived_from_the_chat_template(case):
    expect = {"trims": False, "source": "chat_template.jinja of test"} | case["expect"]

    derived = derive_template(files_of(case), case.get("system"))

    assert derived.to_json() == expect


@pytest.mark.parametrize("case", cases("templates/refused.yaml"))
def test_refused_with_what_was_seen(case):
    with pytest.raises(TemplateError) as error:
        derive_template(files_of(case), case.get("system"))

    assert str(error.value) == case["message"]


@pytest.mark.parametrize("name", ["refuses-the-system-turn", "leaves-the-system-turn-out"])
def test_a_system_turn_is_refused_only_when_there_is_one(name):
    case = next(c.values[0] for c in cases("templates/refused.yaml") if c.id == name)

    assert derive_template(files_of(case), None).pre_query == "<|user|>"


def test_the_commit_stands_in_the_source():
    files = replace(files_of(CHATML), source="org/name", revision="abc123")

    assert derive_template(files, None).source == "chat_template.jinja of org/name at abc123"


def test_response_prompt_holds_the_instruction_as_the_template_would():
    derived = derive_template(files_of(CHATML), "Ask.")
    trimming = replace(derived, trims=True)

    whole = "<s><|im_start|>user\n Hi \n<|im_end|>\n<|im_start|>assistant\n"
    assert derived.response_prompt(" Hi \n") == whole
    assert trimming.response_prompt(" Hi \n") == whole.replace(" Hi \n", "Hi")


def test_without_bos_takes_one_away():
    derived = derive_template(files_of(CHATML), None)

    assert derived.without_bos("<s><s>x") == "<s>x"
    assert derived.without_bos("x<s>") == "x<s>"
    assert replace(derived, bos="").without_bos("<s>x") == "<s>x"


def test_a_whole_template_of_the_recipe_needs_no_files():
    given = recipe(
        pre_query="<s>Q: ", response_prefix="Q: ", response_suffix="\nA:", stops=["Q:"], bos="<s>"
    )

    assert recipe_template(given, None) == PromptTemplate(
        pre_query="<s>Q: ",
        response_prefix="Q: ",
        response_suffix="\nA:",
        stops=("Q:",),
        bos="<s>",
        source="the recipe",
    )


def test_what_the_recipe_leaves_out_is_derived():
    given = recipe_template(recipe(pre_query="<s><|im_start|>user\n\n"), files_of(CHATML))

    assert given == PromptTemplate(
        pre_query="<s><|im_start|>user\n\n",
        response_prefix="<s><|im_start|>user\n",
        response_suffix="<|im_end|>\n<|im_start|>assistant\n",
        stops=("<|im_end|>", "<|im_start|>"),
        bos="<s>",
        source="the recipe",
    )


def test_a_recipe_without_a_template_derives_all():
    assert recipe_template(recipe(), files_of(CHATML)) == derive_template(files_of(CHATML), None)


def test_an_incomplete_template_without_files():
    with pytest.raises(TemplateError) as error:
        recipe_template(recipe(pre_query="Q: "), None)

    assert str(error.value) == (
        "the template cannot be completed: there are no tokenizer files to derive it from\n"
        "give template.pre_query, response_prefix, response_suffix and stops in the recipe"
    )
