"""Changing rules, annotators and judges of a run that stands: only what is missing is asked."""

import pytest

from builder.recipe.annotators import stages
from tests.generate.bench import Bench, WatchedEngine, recipe
from tests.generate.made_up import MadeUp, TextEngine, declare, judge

TEXTS = [f"{word} {row}" for row in range(4) for word in ("poor", "fair", "good")]


@pytest.fixture
def made_up(monkeypatch):
    def first_word(row):
        return row["instruction"].split()[0]

    annotators = (
        judge("grade", first_word, batch=1),
        MadeUp("size", lambda row: str(len(row["instruction"]))),
        MadeUp("tone", first_word),
    )
    declare(monkeypatch, *annotators)
    return {one.annotator.name: one for one in annotators}


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def graded(rule="grade = 'good'", annotate=("grade",), **changes):
    rules = {"instruction": {"graded": rule}}
    target = {"sampled": 12}
    return recipe(**({"annotate": annotate, "rules": rules, "target": target} | changes))


def sampled_anew(bench, made_up, wanted):
    """Sample again; the prompts that were asked, and the rows that each annotator was shown."""
    for one in made_up.values():
        one.asked.clear()
    bench.sample(wanted, TextEngine(TEXTS))
    prompts = sorted(prompt for prompt, _ in bench.asked)
    return prompts, {name: sorted(one.asked) for name, one in made_up.items() if one.asked}


FAIR = [row for row in range(12) if row % 3 == 1]
GOOD = [row for row in range(12) if row % 3 == 2]


def test_a_looser_rule_on_a_judgement_only_answers_what_is_newly_kept(bench, made_up):
    bench.sample(graded(), TextEngine(TEXTS))
    loose = graded("grade in ('fair', 'good')")
    prompts, shown = sampled_anew(bench, made_up, loose)
    assert prompts == sorted(f"<u>{TEXTS[row]}</u><a>" for row in FAIR)
    assert shown == {}
    _, reasons = bench.select(loose)
    assert [row for row, reason in reasons.items() if reason is None] == sorted(FAIR + GOOD)


def test_a_tighter_rule_asks_for_nothing(bench, made_up):
    bench.sample(graded("grade in ('fair', 'good')"), TextEngine(TEXTS))
    assert sampled_anew(bench, made_up, graded()) == ([], {})
    _, reasons = bench.select(graded())
    assert [row for row, reason in reasons.items() if reason is None] == GOOD


def test_an_annotator_that_is_turned_on_looks_at_the_rows_that_are_there(bench, made_up):
    bench.sample(graded(), TextEngine(TEXTS))
    before = {path: path.read_bytes() for path in bench.shards.folder.rglob("grade-*")}
    assert sampled_anew(bench, made_up, graded(annotate=("grade", "size"))) == ([], {"size": GOOD})
    both = graded("grade = 'good' and tone = 'good'", ("grade", "tone"))
    assert sampled_anew(bench, made_up, both) == ([], {"tone": list(range(12))})
    assert {path: path.read_bytes() for path in bench.shards.folder.rglob("grade-*")} == before


def test_an_annotator_that_is_turned_off_leaves_what_it_said(bench, made_up):
    bench.sample(graded(annotate=("grade", "size")), TextEngine(TEXTS))
    said = sorted(bench.shards.folder.rglob("size-*"))
    assert sampled_anew(bench, made_up, graded()) == ([], {})
    assert sorted(bench.shards.folder.rglob("size-*")) == said
    assert sampled_anew(bench, made_up, graded(annotate=("grade", "size"))) == ([], {})


def test_before_an_annotator_has_run_its_rows_are_unanswered(bench, made_up):
    bench.sample(graded(), TextEngine(TEXTS))
    _, reasons = bench.select(graded(annotate=("grade", "size")))
    assert [row for row, reason in reasons.items() if reason == "unanswered"] == GOOD
    ruled = graded("grade = 'good' and tone = 'good'", ("grade", "tone"))
    funnel, reasons = bench.select(ruled)
    assert set(reasons.values()) == {"unanswered"}
    assert (funnel.kept, funnel.end) == (0, "target")


@pytest.mark.parametrize(
    "other",
    [
        {"annotate": {"quality": {"max_tokens": 511}}},
        {
            "annotate": {"quality": {}},
            "judge": {
                "model": {"id": "org/judge", "license": "mit"},
                "engine": {"kind": "scripted"},
            },
        },
    ],
)
def test_another_judge_makes_a_stage_of_its_own_and_the_old_one_stays(tmp_path, other):
    def wanted(**changes):
        return recipe(**({"annotate": {"quality": {}}, "target": {"sampled": 8}} | changes))

    bench = Bench(tmp_path)
    bench.sample(wanted(), WatchedEngine())
    (old,) = bench.shards.folder.rglob("quality-*.parquet")
    content = old.read_bytes()
    judged = {row for row, label in bench.column("quality_generator").items() if label is not None}
    changed = wanted(**other)
    assert set(stages(changed)) & set(stages(wanted())) == {"instruct", "respond"}
    bench.sample(changed)
    assert old.read_bytes() == content
    assert len(list(bench.shards.folder.rglob("quality-*.parquet"))) == 2
    assert not any(prompt == "<u>" for prompt, _ in bench.asked)
    assert len(bench.asked) >= len(judged) > 0
    bench.sample(wanted())
    assert bench.asked == []


def test_where_a_judge_is_asked_is_no_part_of_what_it_said():
    address = {"endpoint": "http://localhost:1"}
    one, other = (
        recipe(annotate={"reward": {**address, **more}})
        for more in ({}, {"endpoint": "http://localhost:2", "concurrency": 9})
    )
    assert set(stages(one)) == set(stages(other))
