from __future__ import annotations

from pathlib import Path


def test_list_names_the_shipped_recipes(say):
    assert [item["name"] for item in say("recipe", "list", "--json").document] == [
        "demo",
        "magpie-air",
        "magpie-pro",
    ]


def test_check_says_all_faults(say):
    said = say("recipe", "check", "tiny.yaml", "--set", "seed=x", "--set", "respond=some")
    assert said.status == 2
    assert said.err.splitlines()[-1] == "error: tiny.yaml: 2 faults"
    assert say("recipe", "check", "tiny.yaml").out == "tiny.yaml: no faults\n"


def test_show_prints_template_stops_and_token_ids(say):
    document = say("recipe", "show", "demo", "--json").document
    template = document["template"]
    assert template["pre_query"] == (
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n"
    )
    assert template["stops"][:2] == ["<|eot_id|>", "<|end_of_text|>"]
    assert template["bos"] == "<|begin_of_text|>"
    assert document["pre_query_token_ids"] == [4080, 4086, 326, 262, 4087, 495]


def test_show_without_a_tokenizer(say):
    assert say("recipe", "show", "tiny.yaml", "--json").document["pre_query_token_ids"] is None


def test_new_writes_a_recipe_that_passes_and_never_overwrites(say, here: Path):
    assert say("recipe", "new", "mine").status == 0
    assert say("recipe", "check", "mine.yaml").status == 0
    said = say("recipe", "new", "mine")
    assert (said.status, said.err) == (
        2,
        "error: mine.yaml is there already\nName another file: --to FILE\n",
    )
    assert say("recipe", "new", "mine", "--to", "no/such/place.yaml").status == 2
