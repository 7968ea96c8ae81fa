import html
import json
import re

import pytest
import yaml
from huggingface_hub import DatasetCard
from markdown_it import MarkdownIt

from builder.errors import UsageError
from builder.recipe.load import load_recipe
from builder.release.card import render_card, write_card
from builder.release.columns import filtered_columns, raw_columns
from builder.release.statistics import size_category
from builder.release.templates import template_folder
from tests.select.tiny_run import TEMPLATE, recipe, row


def tables(text):
    """The tables of a Markdown text: lists of rows, rows are lists of cells."""
    found, table, line = [], [], []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "table_open":
            table = []
        elif token.type == "tr_open":
            line = []
        elif token.type == "inline" and token.level >= 4:
            line.append(token.content)
        elif token.type == "tr_close":
            table.append(line)
        elif token.type == "table_close":
            found.append(table)
    return found


def section(text, heading):
    """What stands below a heading, up to the next one of `##`."""
    return text.split(f"\n{heading}\n")[1].split("\n## ")[0]


def listed(text):
    """The names of columns in a list."""
    return re.findall(r"^- `(\w+)` \(`", text, re.MULTILINE)


def parsed(folder):
    card = DatasetCard.load(folder / "README.md")
    return card.data.to_dict(), card.text


FEATURES = [
    {"name": "uuid", "dtype": "string"},
    {"name": "model", "dtype": "string"},
    {
        "name": "gen_input_configs",
        "struct": [
            {"name": "temperature", "dtype": "float64"},
            {"name": "top_p", "dtype": "float64"},
            {"name": "input_generator", "dtype": "string"},
            {"name": "seed", "dtype": "int64"},
            {"name": "pre_query_template", "dtype": "string"},
        ],
    },
    {"name": "instruction", "dtype": "string"},
]


def test_front_matter_is_what_the_hub_reads(release):
    made = release()
    data, _ = parsed(made.folder)
    told = {info["config_name"]: info for info in data.pop("dataset_info")}
    assert data == {
        "license": "apache-2.0",
        "pretty_name": "tiny-set",
        "task_categories": ["text-generation"],
        "language_creators": ["machine-generated"],
        "annotations_creators": ["no-annotation"],
        "source_datasets": ["original"],
        "tags": ["magpie", "synthetic", "instruction-tuning", "sft", "magpie-builder"],
        "size_categories": ["n<1K"],
        "configs": [
            {
                "config_name": "filtered",
                "default": True,
                "data_files": [{"split": "pro", "path": "filtered/pro-*.parquet"}],
            },
            {
                "config_name": "raw",
                "data_files": [{"split": "pro", "path": "raw/pro-*.parquet"}],
            },
        ],
    }
    assert list(told) == ["filtered", "raw"]
    assert told["raw"]["features"][:4] == FEATURES
    assert [one["name"] for one in told["raw"]["features"]] == [
        column.name for column in raw_columns(recipe())
    ]
    facts = made.facts["configs"]["raw"]
    assert {key: told["raw"][key] for key in ("splits", "download_size", "dataset_size")} == {
        "splits": [{"name": "pro", "num_bytes": facts["arrow_bytes"], "num_examples": 10}],
        "download_size": facts["bytes"],
        "dataset_size": facts["arrow_bytes"],
    }


TINY = "[tiny-model](https://huggingface.co/org/tiny-model)"


def test_funnel_sweep_and_lengths_on_the_card(release):
    _, text = parsed(release(recipe_=recipe(select={"longest": 2})).folder)
    glance, sweep, funnel, lengths, ends, limits = tables(text)
    assert glance[:3] == [["", "`pro`"], ["model", TINY], ["license", "apache-2.0"]]
    assert glance[5] == ["kept of all sampled rows", "20.0 %"]
    columns, raw_only = (listed(part) for part in section(text, "## Columns").split("<details>"))
    assert columns == [column.name for column in filtered_columns(recipe())]
    assert raw_only == [column.name for column in raw_columns(recipe())[len(columns) :]]
    assert "\n- seed: 7\n" in section(text, "## Split `pro`")
    assert sweep[1:] == [["1.0", "1.0", "3.0", "8", "2"], ["1.2", "0.99", "1.0", "2", "0"]]
    assert [row[:3] for row in funnel[1:]] == [
        ["sampled", "10", ""],
        ["dropped: `failed`", "2", "20.0 %"],
        ["dropped: `whole`", "1", "10.0 %"],
        ["dropped: `short`", "1", "10.0 %"],
        ["dropped: `duplicate`", "1", "10.0 %"],
        ["dropped: `unanswered`", "1", "10.0 %"],
        ["dropped: `complete`", "0", "0.0 %"],
        ["dropped: `wordy`", "1", "10.0 %"],
        ["dropped: `longest`", "1", "10.0 %"],
        ["**kept**", "**2**", "**20.0 %**"],
    ]
    assert funnel[3][3] == "`instruction_finish_reason = 'stop'`"
    assert funnel[9][3] == "not among the 2 greatest by `response_length`"
    assert lengths[3] == ["`response_length`", "16", "17.0", "16", "16", "18"]
    assert ends[1] == ["`finish_reason` in `filtered`", "2", "0"]
    assert limits[1:] == [
        ["instruction cut off at the token limit", "0", "2", "0.0 %"],
        ["response cut off at the token limit", "0", "2", "0.0 %"],
    ]
    assert "gave instructions and responses\n" in section(text, "## License")


def test_every_table_is_whole_whatever_is_in_it(release):
    nasty = recipe(
        summary="A | pipe, a `tick`, a <b>tag</b>,\na line end and a [link](x).",
        rules={
            "instruction": {
                "pipes": "instruction || '|' <> 'a`b``c'\n OR instruction LIKE '%|%'",
                "slashes": "instruction NOT LIKE 'x\\|y'",
            },
            "response": {},
        },
        template={"pre_query": "```\n| <u>"},
        instruction=recipe().instruction.model_dump(mode="json") | {"system": "```\n|"},
    )
    _, text = parsed(release(recipe_=nasty).folder)
    for table in tables(text):
        assert {len(line) for line in table} == {len(table[0])}
    funnel = next(table for table in tables(text) if table[0][0] == "step")
    assert funnel[3][3] == "``` instruction || '|' <> 'a`b``c' OR instruction LIKE '%|%' ```"
    assert html.unescape(funnel[4][3]) == "<code>instruction NOT LIKE 'x\\|y'</code>"
    assert "A \\| pipe, a \\`tick\\`, a \\<b\\>tag\\</b\\>, a line end" in text


def test_template_on_the_card_is_exact(release):
    _, text = parsed(release().folder)
    body = text.split("```json\n")[1].split("\n```")[0]
    shown = json.loads(body)
    assert shown["pre_query"] == TEMPLATE.pre_query
    assert shown["stops"] == list(TEMPLATE.stops)
    assert shown["response_suffix"] == TEMPLATE.response_suffix


def test_what_served_and_what_the_preflight_found_stand_on_the_card(release):
    server = {
        "image": "tgi:3",
        "image_id": "sha256:aa",
        "digest": "tgi@sha256:bb",
        "command": ["--model-id", "a/b"],
    }
    checks = [
        {"check": "begin-of-text tokens", "found": "1", "fine": True},
        {"check": "raw completion", "found": "3 of 20 | greet", "fine": False},
    ]
    origin = {"server": server, "preflight": {"checks": checks, "samples": [{}] * 20}}
    pinned = (release(origin=origin).folder / "README.md").read_text(encoding="utf-8")
    loaded = server | {"digest": None}
    local = (release("x", origin={"server": loaded}).folder / "README.md").read_text("utf-8")

    assert "- container: image `tgi@sha256:bb`\n- launcher: `--model-id a/b`\n" in pinned
    assert (
        "| begin-of-text tokens | 1 |\n| raw completion | 3 of 20 \\| greet (look at it) |"
        in pinned
    )
    assert "- container: image `tgi:3` (in no registry; its hash is `sha256:aa`)\n" in local
    assert ("### Preflight" in pinned, "### Preflight" in local) == (True, False)


def test_how_to_load_and_rebuild(release):
    _, text = parsed(release().folder)
    assert 'pro = load_dataset("org/tiny-set", "filtered", split="pro")' in text
    assert "magpie build recipe/pro.yaml" in text
    _, text = parsed(release("bare", recipe_=recipe(publish=None)).folder)
    assert 'train = load_dataset("path/to/this/folder", "filtered", split="train")' in text


def test_the_released_recipe_builds_the_same_rows(release, tmp_path):
    chosen = recipe(select={"longest": 2}, respond="all")
    made = release(recipe_=chosen)
    assert load_recipe(made.folder / "recipe/pro.yaml") == chosen


def test_the_card_is_rendered_from_the_facts_alone(release):
    made = release()
    before = (made.folder / "README.md").read_text()
    facts = json.loads((made.folder / "facts/pro.json").read_text())
    assert render_card([facts]) == before
    facts["funnel"]["kept"] = 123456
    (made.folder / "facts/pro.json").write_text(json.dumps(facts))
    write_card(made.folder)
    assert "**123,456**" in (made.folder / "README.md").read_text()


def test_a_folder_without_facts_gets_no_card(tmp_path):
    with pytest.raises(UsageError, match="is no release: it has no facts"):
        write_card(tmp_path)


def test_a_configuration_of_another_name(release):
    chosen = recipe(publish={"repo": "org/set", "split": "pro", "config": "best"})
    made = release(recipe_=chosen)
    data, text = parsed(made.folder)
    assert [config["config_name"] for config in data["configs"]] == ["best", "raw"]
    assert data["configs"][0]["default"] is True
    assert 'load_dataset("org/set", "best", split="pro")' in text


@pytest.mark.parametrize(
    ("rows", "category"),
    [
        (0, "n<1K"),
        (999, "n<1K"),
        (1000, "1K<n<10K"),
        (300_000, "100K<n<1M"),
        (1_000_000, "1M<n<10M"),
        (10**12, "n>1T"),
    ],
)
def test_size_categories(rows, category):
    assert size_category(rows) == category


def test_facts_are_sorted_json_with_every_number(release):
    made = release()
    text = (made.folder / "facts/pro.json").read_text()
    facts = json.loads(text)
    assert text == json.dumps(facts, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert facts["lengths"]["filtered"]["response_length"] == {
        "min": 2,
        "mean": 12.0,
        "median": 16,
        "p95": 16,
        "max": 18,
    }
    assert facts["finish_reasons"]["raw"] == {
        "instruction_finish_reason": {"length": 1, "stop": 8},
        "finish_reason": {"stop": 4},
    }
    sizes = {name: (made.folder / name).stat().st_size for name in facts["configs"]["raw"]["files"]}
    assert facts["configs"]["raw"]["files"] == sizes
    assert facts["configs"]["raw"]["bytes"] == sum(sizes.values())
    assert facts["configs"]["raw"]["rows"] == 10


def test_lengths_of_a_column_without_values(release):
    rows = [row(n, f"number {n}", instruction_tokens=None) for n in range(3)]
    made = release(rows=rows)
    assert made.facts["lengths"]["filtered"]["instruction_tokens"] is None
    assert (
        "`instruction_tokens` |"
        not in (made.folder / "README.md").read_text().split("### Lengths")[1]
    )


def test_there_is_no_python_among_the_templates():
    suffixes = {path.suffix for path in template_folder().rglob("*") if path.is_file()}
    assert suffixes == {".j2"}


def test_yaml_survives_a_summary_and_a_name_of_any_kind(release):
    made = release(recipe_=recipe(summary="a: b # 'c' \"d\" --- {{ x }} {% y %}"))
    text = (made.folder / "README.md").read_text()
    assert "{{ x }}" in text.replace("\\", "")
    assert yaml.safe_load(text.split("---\n")[1])["license"] == "apache-2.0"
