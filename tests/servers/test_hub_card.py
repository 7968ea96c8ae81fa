import pytest

from tests.servers.hub.card import check, metadata

MISSING = "empty or missing yaml metadata in repo card"
BROKEN = "The YAML metadata of your README.md is invalid."


def errors(content, kind="dataset"):
    return [error["message"] for error in check(content, kind)["errors"]]


@pytest.mark.parametrize("content", ["# A card\n", "---\nlicense: mit\n---oops\n", "---\n---\n"])
def test_a_card_without_a_block_is_warned_of(content):
    assert [one["message"] for one in check(content, "dataset")["warnings"]] == [MISSING]
    assert errors(content) == []


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("license: [", "Invalid YAML in README.md: "),
        ("- a\n- b", '"value" must be of type object'),
        ("hello", BROKEN),
        ("", BROKEN),
        ("license: llama-3", '"license" must be one of [apache-2.0, mit'),
        ("license: [mit, none]", '"license" must be one of [apache-2.0, mit'),
        ("size_categories: 1K", '"size_categories" must be one of [unknown, n<1K'),
        ("language: English", '"language" with value "English" is not valid'),
        ("configs: {raw: a}", '"configs" must be an array'),
        ("configs:\n- data_files: a", '"configs[0].config_name" is required'),
        ("configs:\n- config_name: data", '"configs[0].config_name" contains an invalid value'),
        (
            "configs:\n- config_name: raw\n  data_files: [{split: train-sft, path: a}]",
            '"configs[0].data_files[0].split" with value "train-sft" fails to match',
        ),
        (
            "configs:\n- config_name: raw\n  data_files: [{split: air}]",
            '"configs[0].data_files[0]" must have a split and a path',
        ),
        (
            "configs:\n- {config_name: a, default: true}\n- {config_name: b, default: true}",
            '"configs" contains several configs with default: true',
        ),
    ],
)
def test_what_is_refused(block, message):
    (found,) = errors(f"---\n{block}\n---\n")

    assert found.startswith(message)


@pytest.mark.parametrize(
    "block",
    [
        "license: llama3.1\nlanguage: [en, code]\nsize_categories: [100K<n<1M]\nanything: 1",
        "license: other\nlicense_name: mine\nlicense_link: LICENSE",
        "configs:\n- config_name: raw\n  data_files: [{split: air.x, path: [raw/a, raw/b]}]",
        "configs:\n- {config_name: a, data_files: a.csv, default: true}\n- {config_name: b}",
    ],
)
def test_what_is_taken(block):
    assert check(f"---\n{block}\n---\n# A card", "dataset") == {"errors": [], "warnings": []}


def test_configs_are_the_affair_of_data_sets():
    assert errors("---\nconfigs: 1\n---\n", "model") == []


def test_the_metadata_of_a_card():
    assert metadata("---\nlicense: mit\n---\n---\na: b\n---\n") == {"license": "mit"}
    assert metadata("---\nlicense: [\n---\n") == {}
