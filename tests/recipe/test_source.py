import json

import pytest

from builder.errors import RecipeError, UsageError
from builder.recipe.annotators import annotations_of, asks_engine, instruction_columns, stages
from builder.recipe.goal import goal_of
from builder.recipe.load import check_recipe, load_recipe
from builder.recipe.resolve import Source, resolve
from builder.recipe.schema import Recipe
from builder.rows import DIFFICULTIES
from tests.published import PRE_QUERY, RECIPE, published_row, write_set

WITHOUT = ("rules.instruction.demanding=", "rules.response.rewarded=")
"""Leaves out the rules on what the set says."""


@pytest.fixture
def load(recipe_file, tmp_path):
    path = recipe_file(RECIPE)
    write_set(tmp_path / "set.parquet", 10)
    return lambda *overrides: load_recipe(path, overrides)


@pytest.fixture
def resolved(load):
    return lambda *overrides: resolve(Source("my.yaml", overrides))


def faults(*overrides):
    """All faults, as key: what was seen; what to write."""
    found = check_recipe("my.yaml", overrides)
    return [f"{one.key}: {one.message}; {one.mend}" for one in found]


def test_a_recipe_with_a_source_may_leave_out_the_sampling(load):
    recipe = load()

    assert (recipe.engine.kind, recipe.template, recipe.target.sampled) == ("none", None, None)
    assert Recipe.model_validate(json.loads(recipe.model_dump_json())) == recipe


def test_a_recipe_without_one_may_not(load, recipe_file):
    recipe_file(RECIPE.replace("source: {dataset: set.parquet}\n", ""))

    missing = [line.split(": ")[0] for line in faults() if ": missing; " in line]
    assert missing == ["engine", "seed", "target", "instruction", "response"]


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (
            ["source.dataset=./other.parquet"],
            'source.dataset: saw "./other.parquet", but there is no file or folder other.parquet; '
            "write one that exists, or ORG/NAME",
        ),
        (
            ["source.revision=v1"],
            'source.revision: saw "v1"; leave it out: files of this machine have none',
        ),
        (
            ["annotate=[quality]"],
            "judge: missing: the annotator quality asks a model; write judge: {model: ..., "
            "engine: ...}, or an engine for model.id",
        ),
        (
            ["target.by=difficulty"],
            "target.by: needs target.kept; write kept: N in its place",
        ),
        (["source.splt=train"], "source.splt: unknown key; did you mean split?"),
        (
            ["source.dataset=3"],
            "source.dataset: saw 3; write ORG/NAME of a data set on the Hub, a folder, or a file",
        ),
    ],
)
def test_faults_of_a_source(load, overrides, said):
    assert faults(*overrides) == [said]


def test_nobody_samples_without_an_engine(load, recipe_file):
    text = RECIPE.replace("source: {dataset: set.parquet}\n", "").replace("difficulty", "row")
    extra = "engine: {kind: none}\nseed: 1\ntarget: {kept: 1}\nresponse: {max_tokens: 9}\n"
    recipe_file(text + extra + "instruction: {sweep: [{temperature: 1.0}], max_tokens: 9}\n")

    assert 'engine.kind: saw "none", and there is no source of rows; write embedded, openai, ' in (
        "\n".join(faults())
    )


@pytest.mark.parametrize(
    ("overrides", "asked"),
    [
        ([], False),
        (["engine.kind=scripted"], False),
        (["engine.kind=scripted", "annotate=[quality]"], True),
        (
            [
                "annotate=[quality]",
                "judge={model: {id: demo, license: llama3}, engine: {kind: embedded}}",
            ],
            False,
        ),
    ],
)
def test_the_engine_is_asked_only_where_it_judges(load, overrides, asked):
    assert asks_engine(load(*overrides)) is asked


def test_rules_may_name_what_the_set_has(load, resolved):
    assert instruction_columns(load())["difficulty"] == DIFFICULTIES
    columns = instruction_columns(resolved().recipe)
    assert columns["difficulty"] == DIFFICULTIES
    assert "knowledge" not in columns
    assert "embedding" not in columns


def test_an_annotator_that_is_on_takes_the_place_of_what_the_set_says(resolved):
    one, two = resolved().recipe, resolved("annotate=[repetition, language]").recipe

    assert "language" in annotations_of(one)[0].annotator.writes
    assert "language" not in annotations_of(two)[0].annotator.writes
    assert set(stages(one)) & set(stages(two)) == {"instruct", "respond", "repetition-b785fa85"}


def test_a_set_without_annotations_has_no_stage_of_them(resolved, tmp_path):
    bare = {"instruction": "Why?", "response": "Because."}
    (tmp_path / "set.jsonl").write_text(json.dumps(bare) + "\n")

    found = resolved("source.dataset=set.jsonl", *WITHOUT)
    assert [one.name for one in annotations_of(found.recipe)] == ["repetition"]
    assert found.template.pre_query == ""


def test_what_is_found_is_part_of_the_recipe(resolved):
    found = resolved()

    assert (found.recipe.source.found.rows, found.recipe.source.revision) == (10, None)
    assert found.recipe.target.sampled == 10
    assert goal_of(found.recipe).available == 10
    assert (found.template.pre_query, found.files) == (PRE_QUERY, None)


def test_the_rows_of_a_set_are_known_by_what_is_in_its_files(resolved, tmp_path):
    before = resolved().recipe.shape()

    (tmp_path / "moved").mkdir()
    (tmp_path / "set.parquet").rename(tmp_path / "moved" / "set.parquet")
    assert resolved("source.dataset=moved").recipe.shape() == before
    write_set(tmp_path / "moved" / "set.parquet", 10, {3: {"instruction": "Another?"}})
    after = resolved("source.dataset=moved").recipe.shape()
    assert [key for key in after if after[key] != before[key]] == ["source.sha256"]


def test_a_recipe_that_was_resolved_before_is_held_to_what_was_found(resolved, tmp_path):
    told = resolved().recipe.source.found.model_dump_json()
    assert resolved(f"source.found={told}").recipe == resolved().recipe

    write_set(tmp_path / "set.parquet", 9)
    with pytest.raises(UsageError) as error:
        resolved(f"source.found={told}")
    assert error.value.message == (
        "set.parquet is another data set than source.found.rows says: 10, and now 9"
    )


def test_rules_on_what_the_set_has_not_are_faults_before_a_row_is_read(resolved):
    with pytest.raises(RecipeError) as error:
        resolved(
            "rules.instruction.known=knowledge <> ''", "rules.response.whole=finish_reason = 'stop'"
        )

    assert [fault.split(": ", 1)[1] for fault in error.value.faults] == [
        "rules.instruction.known: knowledge is written by the annotator difficulty; "
        "add difficulty to annotate",
        "rules.response.whole: finish_reason is null in all rows: set.parquet has none; "
        "delete the rule",
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"text": "a"}, "other.jsonl has no column instruction, conversations or messages: it has"),
        ({"instruction": "a"}, "other.jsonl has no column response, conversations or messages:"),
    ],
)
def test_what_is_no_magpie_set_is_told(resolved, tmp_path, row, said):
    (tmp_path / "other.jsonl").write_text(json.dumps(row) + "\n")

    with pytest.raises(UsageError) as error:
        resolved("source.dataset=other.jsonl")
    assert error.value.message.startswith(said)


def test_a_set_without_rows_is_told(resolved, tmp_path):
    (tmp_path / "other.jsonl").touch()

    with pytest.raises(UsageError, match=r"^other.jsonl has no rows"):
        resolved("source.dataset=other.jsonl")


def test_a_set_of_two_templates_names_none(resolved, tmp_path):
    other = published_row(1)["gen_input_configs"] | {"pre_query_template": "<user>"}
    write_set(tmp_path / "set.parquet", 3, {1: {"gen_input_configs": other}})

    assert resolved().template.pre_query == ""
