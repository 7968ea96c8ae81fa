import json
import random

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from builder.errors import RunError
from builder.release import parquet
from builder.release.card import front_matter
from builder.release.columns import filtered_columns, raw_columns
from tests.kill import rig
from tests.release.annotated import annotated_recipe, quality, vector
from tests.release.test_release_card import parsed, tables
from tests.release.test_release_rows import share_of_common_blocks, words
from tests.select.tiny_run import recipe, row

ROWS = [
    row(0, "Tell me a tale", "Once upon a time"),
    row(1, "Tell me that tale", "an answer that came early"),
    row(2, "hi", "an answer that came early"),
    row(3, "Cut off her", None, instruction_finish_reason="length"),
    row(4, "tell  me a TALE", "Twice upon a time"),
    row(5, "How far is the moon?", "Far"),
    row(6, "What a judge cannot read", "an answer that came early"),
    row(7, "Broken", None, response_error="http://node17:80 answered 422: too long"),
]
SAID = {
    "embedding": {
        0: vector(1, 0),
        1: vector(1, 0),
        2: vector(0, 1),
        5: vector(0.98, 0.199),
        6: vector(-1, 0),
        7: vector(0, -1),
    },
    "quality": {
        0: quality("good"),
        1: quality("excellent"),
        2: quality("very poor"),
        4: quality("good"),
        5: quality("excellent"),
        6: {"quality_error": "no label", "quality_reply": "{", "quality_generator": "/m/judge"},
        7: quality("good"),
    },
    "category": {
        0: {"task_category": "Creative writing", "other_task_category": ["Others", "Math"]},
        5: {"category_error": "http://me:pw@node17:8081/v1 answered 400"},
        6: {"task_category": "Math", "other_task_category": []},
    },
    "refusal": {0: {"refusal": False}, 5: {"refusal": True, "refusal_phrase": "i can't"}},
    "reward": {
        0: {"instruct_reward": 1.25, "reward_model": "org/reward"},
        5: {"instruct_reward": float("nan"), "reward_model": "org/reward"},
    },
}


@pytest.fixture
def annotated(release):
    """A release of `ROWS` with what `SAID` says of them."""

    def make(name="run", said=SAID, rows=ROWS, **how):
        return release(name, rows, how.pop("recipe_", annotated_recipe()), said=said, **how)

    return make


def raw(made):
    frame = pl.read_parquet(made.folder / "raw" / "*.parquet")
    return {values["row"]: values for values in frame.iter_rows(named=True)}


def test_columns_are_those_of_the_published_sets_and_then_ours():
    kept = [column.name for column in filtered_columns(annotated_recipe())]
    assert kept == [
        "uuid",
        "model",
        "gen_input_configs",
        "instruction",
        "response",
        "conversations",
        "task_category",
        "other_task_category",
        "task_category_generator",
        "input_quality",
        "quality_explanation",
        "quality_generator",
        "reward_model",
        "instruct_reward",
        "min_neighbor_distance",
        "repeat_count",
        "min_similar_uuid",
        "instruction_length",
        "response_length",
        "row",
        "messages",
        "instruction_tokens",
        "response_tokens",
        "instruction_finish_reason",
        "finish_reason",
        "refusal",
    ]
    assert [column.name for column in raw_columns(annotated_recipe())[len(kept) :]] == [
        "embedding_error",
        "quality_reply",
        "quality_error",
        "category_reply",
        "category_error",
        "refusal_phrase",
        "refusal_error",
        "reward_error",
        "instruction_error",
        "response_error",
        "drop_reason",
        "duplicate_of",
    ]


def test_annotations_of_a_kept_row(annotated):
    first = pl.read_parquet(annotated().folder / "filtered" / "*.parquet").row(0, named=True)
    wanted = {
        "row": 0,
        "task_category": "Creative writing",
        "other_task_category": ["Others", "Math"],
        "input_quality": "good",
        "quality_explanation": "why",
        "quality_generator": "judge",
        "reward_model": "org/reward",
        "instruct_reward": 1.25,
        "min_neighbor_distance": 0.0,
        "repeat_count": 2,
        "min_similar_uuid": "u1",
        "refusal": False,
    }
    assert {name: first[name] for name in wanted} == wanted


def test_a_label_stays_ordered_in_parquet(annotated, monkeypatch):
    monkeypatch.setattr(parquet, "GROUP_SPAN", 2)
    folder = annotated().folder / "raw"
    labels = ["very poor", "poor", "average", "good", "excellent"]
    frame = pl.read_parquet(folder / "*.parquet")
    assert frame.schema["input_quality"] == pl.Enum(labels)
    assert frame.filter(pl.col("input_quality") >= "good")["row"].to_list() == [0, 5, 7]
    scanned = pl.scan_parquet(folder / "*.parquet").filter(pl.col("input_quality") < "good")
    assert scanned.collect()["row"].to_list() == [2]

    file = pq.ParquetFile(folder / "pro-00000-of-00001.parquet")
    assert file.num_row_groups == 4
    field = file.schema_arrow.field("input_quality")
    assert field.type == pa.dictionary(pa.uint8(), pa.string(), ordered=True)
    values = b"9;very poor4;poor7;average4;good9;excellent"
    assert field.metadata == {b"_PL_ENUM_VALUES2": values}
    assert file.read(["input_quality"])["input_quality"].chunk(0).dictionary.to_pylist() == labels
    assert str(file.schema_arrow.field("other_task_category").type.value_type) == "string"


def test_what_timing_alone_brought_about_is_left_out(annotated):
    rows = raw(annotated())
    assert {number: values["drop_reason"] for number, values in rows.items()} == {
        0: None,
        1: "near-duplicate",
        2: "good",
        3: "whole",
        4: "duplicate",
        5: None,
        6: "unjudged",
        7: "failed",
    }
    judged = [number for number, values in rows.items() if values["input_quality"]]
    assert judged == [0, 2, 5, 7]
    assert (rows[6]["quality_error"], rows[6]["quality_reply"]) == ("no label", "{")
    assert [number for number, values in rows.items() if values["response"]] == [0, 5]
    assert rows[6]["task_category"] is None
    assert rows[1]["duplicate_of"] == rows[4]["duplicate_of"] == "u0"


def test_a_twin_that_was_judged_after_all_changes_no_byte(annotated, contents):
    late = SAID | {
        "quality": {n: of for n, of in SAID["quality"].items() if n not in (1, 4)},
        "category": {n: of for n, of in SAID["category"].items() if n != 6},
    }
    unanswered = [(asked, None if asked["row"] in (1, 2, 4, 6) else said) for asked, said in ROWS]
    assert contents(annotated("early").folder) == contents(
        annotated("late", late, rows=unanswered).folder
    )


def test_beyond_a_full_quota_nothing_counts(release):
    target = {"kept": 2, "by": "input_quality", "quotas": {"good": 1, "excellent": 1}}
    how = {"target": target, "annotate": {"quality": {}}, "rules": {"response": {}}}
    rows = [row(n, f"number {n}", "an answer") for n in range(4)]
    said = {"quality": {n: quality("good" if n < 3 else "excellent") for n in range(4)}}
    made = release("quota", rows, recipe(**how), said=said)
    found = raw(made)
    assert [found[n]["drop_reason"] for n in range(4)] == [None, "quota", "quota", None]
    assert [found[n]["response"] for n in range(4)] == ["an answer", None, None, "an answer"]
    assert [found[n]["input_quality"] for n in range(4)] == ["good", "good", "good", "excellent"]
    assert [["good", "1", "1"], ["excellent", "1", "1"]] in [
        table[1:] for table in tables(parsed(made.folder)[1])
    ]


def test_with_respond_all_every_annotation_stays(annotated):
    found = raw(annotated(recipe_=annotated_recipe(respond="all")))
    judged = [number for number, values in found.items() if values["input_quality"]]
    assert judged == [0, 1, 2, 4, 5, 7]
    assert found[6]["task_category"] == "Math"


@pytest.mark.parametrize("seed", range(2))
def test_arrival_order_and_shard_size_change_no_byte(annotated, contents, seed):
    source = random.Random(seed)
    mixed = source.sample(ROWS, len(ROWS))
    said = {name: dict(source.sample(list(told.items()), len(told))) for name, told in SAID.items()}
    other = annotated("mixed", said, rows=mixed, rows_a_shard=3 + 4 * seed)
    assert contents(annotated("straight").folder) == contents(other.folder)


def test_nothing_of_this_machine_is_in_a_release(annotated, contents):
    engine = {"kind": "openai", "endpoint": ["http://node17:8080"], "api_key_env": "JUDGE_KEY"}
    model = {"id": "/node17/judge", "license": "mit"}
    chosen = annotated_recipe(judge={"model": model, "engine": engine})
    made = annotated(recipe_=chosen)
    whole = b"".join(contents(made.folder).values())
    for word in (b"node17", b"me:pw", b"JUDGE_KEY", b"REWARD_KEY", b"/m/", b"concurrency"):
        assert word not in whole
    found = raw(made)
    assert found[5]["category_error"] == "the server answered 400"
    assert found[7]["response_error"] == "the server answered 422: too long"
    text = (made.folder / "recipe/pro.yaml").read_text()
    assert text.splitlines()[0] == (
        "# The recipe of the split pro. To rebuild: magpie build recipe/pro.yaml "
        "--set judge.engine.endpoint=URL --set annotate.reward.endpoint=URL"
    )
    told = yaml.safe_load(text)
    assert told["annotate"]["reward"] == {}
    assert told["judge"]["model"]["id"] == "judge"


def test_a_score_that_is_no_number_is_null(annotated):
    found = raw(annotated())
    assert (found[5]["instruct_reward"], found[5]["reward_model"]) == (None, "org/reward")


def test_facts_of_annotators(annotated):
    facts = annotated().facts["annotators"]
    assert [one["name"] for one in facts] == list(annotated_recipe().annotators)
    counts = {one["name"]: (one["annotated"], one["failed"]) for one in facts}
    assert counts == {
        "embedding": (6, 0),
        "neighbours": (6, 0),
        "quality": (4, 1),
        "category": (1, 1),
        "refusal": (2, 0),
        "reward": (2, 0),
    }
    by_name = {one["name"]: one for one in facts}
    assert by_name["quality"]["models"] == [{"model": "judge", "rows": 5}]
    assert by_name["quality"]["reasons"] == [{"reason": "no label", "rows": 1}]
    assert by_name["quality"]["failed_share"] == 0.2
    assert by_name["reward"]["options"] == {"model": None, "template": None}
    assert by_name["embedding"]["models"] == [{"model": "tiny", "rows": 6}]


def test_at_most_three_reasons_and_none_of_them_long(annotated):
    reasons = ["a", "b", "b", "c" * 500, "d", "b", "d"]
    rows = [row(n, f"number {n}") for n in range(8)]
    said = {
        "quality": {
            n: {"quality_error": reason} if reason else quality("good")
            for n, reason in enumerate([*reasons, None])
        }
    }
    chosen = annotated_recipe(annotate={"quality": {}})
    (quality_facts,) = annotated("failing", said, rows=rows, recipe_=chosen).facts["annotators"]
    assert quality_facts["reasons"] == [
        {"reason": "b", "rows": 3},
        {"reason": "d", "rows": 2},
        {"reason": "a", "rows": 1},
    ]
    said["quality"][0] = {"quality_error": "c" * 500}
    said["quality"][4] = {"quality_error": "c" * 300}
    long = annotated("long", said, rows=rows, recipe_=chosen).facts["annotators"]
    assert long[0]["reasons"][0] == {"reason": "b", "rows": 3}
    assert long[0]["reasons"][1] == {"reason": "c" * 160, "rows": 3}


def test_labels_numbers_and_limits(annotated):
    facts = annotated().facts
    labels = {one["column"]: one for one in facts["labels"]["raw"]}
    assert labels["input_quality"] == {
        "column": "input_quality",
        "labels": [
            {"label": "very poor", "rows": 1, "share": 0.125},
            {"label": "poor", "rows": 0, "share": 0.0},
            {"label": "average", "rows": 0, "share": 0.0},
            {"label": "good", "rows": 2, "share": 0.25},
            {"label": "excellent", "rows": 1, "share": 0.125},
        ],
        "none": 4,
        "none_share": 0.5,
    }
    assert labels["refusal"]["labels"] == [
        {"label": "false", "rows": 1, "share": 0.125},
        {"label": "true", "rows": 1, "share": 0.125},
    ]
    assert facts["numbers"]["filtered"]["instruct_reward"] == dict.fromkeys(
        ("min", "mean", "median", "p95", "max"), 1.25
    )
    assert facts["limits"] == [
        {"limit": "instruction cut off at the token limit", "rows": 0, "of": 2, "share": 0.0},
        {"limit": "response cut off at the token limit", "rows": 0, "of": 2, "share": 0.0},
        {"limit": "response refuses or deflects", "rows": 1, "of": 2, "share": 0.5},
        {
            "limit": "another sampled instruction, kept or not, counts as a repeat",
            "rows": 2,
            "of": 2,
            "share": 1.0,
        },
        {
            "limit": "quality failed, among all rows that it was asked about",
            "rows": 1,
            "of": 5,
            "share": 0.2,
        },
        {
            "limit": "category failed, among all rows that it was asked about",
            "rows": 1,
            "of": 2,
            "share": 0.5,
        },
    ]
    assert facts["languages"] == {}


def test_languages_of_the_front_matter_are_those_of_enough_rows(release):
    chosen = recipe(annotate={"language": {}}, rules={"instruction": {}, "response": {}})
    codes = ["EN"] * 120 + ["NO"] * 3 + ["DE"]
    rows = [row(n, f"number {n}") for n in range(130)]
    said = {
        "language": {
            n: {"language": codes[n] if n < len(codes) else None} for n in range(len(rows))
        }
    }
    made = release("tongues", rows, chosen, said=said)
    data, text = parsed(made.folder)
    assert data["language"] == ["en", "no"]
    assert [["EN", "120", "92.3 %"], ["NO", "3", "2.3 %"], ["DE", "1", "0.8 %"]] in [
        table[1:] for table in tables(text)
    ]


COST = {
    "stages": [
        {
            "stage": "instruct",
            "rows": 8,
            "tokens_in": None,
            "tokens_out": 3000,
            "seconds": 12.0,
            "gpu_seconds": 24.0,
        },
        {
            "stage": "respond",
            "rows": 2,
            "tokens_in": 120,
            "tokens_out": 4000,
            "seconds": 3670.0,
            "gpu_seconds": 7340.0,
        },
    ],
    "gpus": 2,
    "gpu_hours": 2.0456,
    "kept_per_gpu_hour": 1234.4,
    "tokens_per_kept_row": 3500.0,
    "money": {"amount": 5.2, "currency": "USD"},
}


def test_the_cost_stands_on_the_card_where_it_is_known(annotated):
    _, text = parsed(annotated(origin={"cost": COST}).folder)
    section = text.split("### Cost\n")[1].split("\n### ")[0]
    assert tables(section)[0][1:] == [
        ["`instruct`", "8", "not told", "3,000", "12.0 s", "0.01"],
        ["`respond`", "2", "120", "4,000", "1 h 1 min", "2.04"],
    ]
    assert section.strip().split("\n\n")[-1].splitlines() == [
        "Stages overlap: their times do not add up to the time of the run.",
        "On 2 GPUs, 2.05 GPU-hours; 1,234 rows kept a GPU-hour.",
        "3,500 tokens were written for each row that is kept.",
        "At the recipe's prices, 5.20 USD.",
    ]
    bare = (
        COST
        | {"gpus": 0, "gpu_hours": 0.0}
        | dict.fromkeys(("kept_per_gpu_hour", "tokens_per_kept_row", "money"))
    )
    _, text = parsed(annotated("bare", origin={"cost": bare}).folder)
    assert "No GPU was counted." in text
    costs = next(table for table in tables(text) if table[0][0] == "stage")
    assert costs[1] == ["`instruct`", "8", "not told", "3,000", "12.0 s"]
    unknown = annotated("unknown")
    assert "### Cost" not in (unknown.folder / "README.md").read_text()
    assert "cost" not in unknown.facts


def test_runs_that_cost_something_else_differ_in_nothing_else(annotated, contents):
    dear = COST | {"gpu_hours": 9.5, "stages": COST["stages"][:1]}
    bare, one, other = (
        annotated(name, origin=origin).folder
        for name, origin in (("bare", {}), ("one", {"cost": COST}), ("other", {"cost": dear}))
    )
    one_bytes, other_bytes = contents(one), contents(other)
    differing = [name for name, data in one_bytes.items() if other_bytes[name] != data]
    assert sorted(differing) == ["README.md", "facts/pro.json"]
    assert rig.contents(one) == rig.contents(other) == rig.contents(bare)
    card = one / "README.md"
    card.write_text(card.read_text() + "one more line\n")
    assert rig.contents(one) != rig.contents(other)


def test_the_card_tells_of_annotators_and_stays_whole(annotated):
    said = SAID | {
        "quality": SAID["quality"]
        | {6: {"quality_error": "a | pipe\nand a <b>", "quality_generator": "the | judge"}}
    }
    _, text = parsed(annotated(said=said).folder)
    for table in tables(text):
        assert {len(line) for line in table} == {len(table[0])}
    assert (
        "- **`quality`** 1: how clear, specific and complete the instruction is.\n"
        "  4 rows, by judge (4), the \\| judge (1); 1 failed (20.0 %). "
        "`max_characters: 4000`, `max_tokens: 512`.\n" in text
    )
    assert "Where `quality` failed, mostly: a \\| pipe and a \\<b\\> (1)." in text
    assert (
        "- `input_quality` (`string`): how clear, specific and complete the instruction is, worst "
        "first: `very poor`, `poor`, `average`, `good`, `excellent`\n" in text
    )
    funnel = next(table for table in tables(text) if table[0][0] == "step")
    rules = {line[0]: line[3] for line in funnel}
    assert rules["dropped: `near-duplicate`"] == (
        "its vector lies within 0.02 (squared distance) of that of an earlier row that stays"
    )
    assert rules["dropped: `unjudged`"] == (
        "a judgement failed that a rule, a quota or another annotator needs"
    )
    assert "Nearest neighbours were sought among 6 rows, each against all others." in text


def test_neighbours_that_are_gone_are_asked_for_anew(annotated, monkeypatch):
    made = annotated()
    (made.folder.parent / "neighbours.parquet").unlink()
    monkeypatch.setattr("tests.release.conftest.select", lambda *_: _Told(made.facts["funnel"]))
    with pytest.raises(RunError, match=r"neighbours\.parquet is not there"):
        annotated(rows=None, said={})


class _Told:
    def __init__(self, funnel):
        self.to_json = lambda: funnel


def test_a_changed_label_moves_only_its_own_chunk(annotated):
    source = random.Random(5)
    chosen = annotated_recipe(annotate={"quality": {}, "category": {}})
    rows = [row(n, f"{n} {words(source, 20)}", words(source, 600)) for n in range(1500)]
    said = {
        "quality": {n: quality(source.choice(["good", "excellent"])) for n in range(1500)},
        "category": {n: {"task_category": "Math"} for n in range(1500)},
    }
    before = annotated("before", said, rows=rows, recipe_=chosen, rows_a_shard=2000)
    said["quality"][40] = quality("poor")
    after = annotated("after", said, rows=rows, recipe_=chosen, rows_a_shard=2000)
    old, new = (
        (made.folder / "filtered/pro-00000-of-00001.parquet").read_bytes()
        for made in (before, after)
    )
    assert share_of_common_blocks(old, new) > 0.7


def test_facts_are_whole_json(annotated):
    text = (annotated().folder / "facts/pro.json").read_text()
    assert "NaN" not in text
    assert json.loads(text)["judge"] is None


def test_the_front_matter_tells_the_columns_of_all_splits(annotated):
    bare = annotated_recipe(annotate={}, rules={"instruction": {}, "response": {}})
    one = annotated().facts
    other = annotated("air", {}, recipe_=bare).facts | {"split": "air"}
    told = {info["config_name"]: info for info in front_matter([other, one])["dataset_info"]}
    assert list(told) == ["filtered", "raw"]
    kinds = {column.pop("name"): column for column in told["filtered"]["features"]}
    assert kinds["input_quality"] == {"dtype": "string"}
    assert kinds["other_task_category"] == {"list": "string"}
    assert kinds["messages"] == {
        "list": [{"name": "role", "dtype": "string"}, {"name": "content", "dtype": "string"}]
    }
    assert kinds["gen_input_configs"]["struct"][0] == {"name": "temperature", "dtype": "float64"}
