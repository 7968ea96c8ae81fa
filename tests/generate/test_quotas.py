"""Runs that end with their quotas, without them, or because the model has said all."""

import pytest

from builder.generate import ledger
from builder.recipe.goal import quotas_of
from builder.run import course
from tests.generate.bench import Bench, in_order, recipe
from tests.generate.made_up import TextEngine, declare, judge

LABELS = ("a", "a", "b", "a", "none", "c", "a", "b")
"""Labels of the rows, over and over. Nobody wants `c`."""

TEXTS = [f"{LABELS[row % 8]} number {row}" for row in range(400)]


@pytest.fixture
def labels(monkeypatch):
    """The annotator `label`: what an instruction begins with, null for `none`."""

    def say(row):
        found = row["instruction"].split()[0]
        return None if found == "none" else found

    made = judge("label", say, batch=1)
    declare(monkeypatch, made)
    return made


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def wanting(quotas, **changes):
    target = {"kept": sum(quotas.values()), "by": "label", "quotas": quotas}
    return recipe(**({"annotate": {"label": {}}, "target": target, "rules": {}} | changes))


@pytest.mark.parametrize("salt", [3, 5, 11, 29, 53])
def test_each_quota_is_met_exactly(bench, labels, salt):
    wanted = wanting({"a": 6, "b": 5})
    bench.sample(wanted, TextEngine(TEXTS, before=in_order(salt), slots=9))
    funnel, reasons = bench.select(wanted)
    assert (funnel.end, funnel.kept, funnel.missing) == ("target", 11, 0)
    assert funnel.quotas == {"a": (6, 6), "b": (5, 5)}
    kept = [TEXTS[row][0] for row, reason in reasons.items() if reason is None]
    assert (kept.count("a"), kept.count("b")) == (6, 5)
    assert max(reasons) == 18  # the fifth of `b`
    others = {row for row, reason in reasons.items() if reason == "quota"}
    assert {row for row in reasons if LABELS[row % 8] in ("none", "c")} <= others


def test_rows_whose_label_has_enough_are_not_answered(bench, labels):
    wanted = wanting({"a": 1, "b": 3})
    bench.sample(wanted, TextEngine(TEXTS, slots=1))
    _, reasons = bench.select(wanted)
    answered = {row for row, text in bench.column("response").items() if text}
    assert {row for row, reason in reasons.items() if reason is None} == {0, 2, 7, 10}
    assert answered >= {0, 2, 7, 10}
    assert len(answered) <= 4 + 2  # one or two were under way


def test_a_quota_that_nothing_meets_is_unmet_and_the_others_are_there(bench, labels, monkeypatch):
    monkeypatch.setattr(course, "PATIENCE", 40)
    monkeypatch.setattr(ledger, "PATIENCE", 40)
    wanted = wanting({"a": 4, "z": 3})
    bench.sample(wanted, TextEngine(TEXTS, slots=9))
    funnel, reasons = bench.select(wanted)
    assert (funnel.end, funnel.kept, funnel.missing) == ("unmet", 4, 3)
    assert funnel.quotas == {"a": (4, 4), "z": (3, 0)}
    assert max(reasons) == 6 + 40
    bench.sample(wanted, TextEngine(TEXTS))
    assert bench.asked == []


def test_a_row_skipped_for_one_that_falls_in_the_end_is_wanted_after_all(bench, labels):
    """Row 1 fills the quota until row 0 comes, its exact twin; then row 2 is the second."""
    texts = ["a same", "a SAME", "a third", "a fourth", "b last", *TEXTS]
    wanted = wanting({"a": 1, "b": 1}, rules={"response": {"yes": "response = 'Yes.'"}})

    def reply(prompt, params):
        return "No." if "same" in prompt else "Yes."

    for salt in (1, 3, 5, 11, 29, 53, 71):
        other = Bench(bench.shards.folder.parent / str(salt))
        engine = TextEngine(texts, reply, in_order(salt), slots=6)
        other.sample(wanted, engine)
        funnel, reasons = other.select(wanted)
        assert funnel.end == "target"
        assert reasons == {0: "yes", 1: "duplicate", 2: None, 3: "quota", 4: None}


def test_without_quotas_the_target_is_dealt_out_evenly():
    even = recipe(annotate=["difficulty"], target={"kept": 12, "by": "difficulty"})
    assert quotas_of(even) == {
        "very easy": 3,
        "easy": 3,
        "medium": 2,
        "hard": 2,
        "very hard": 2,
    }
    few = recipe(annotate=["difficulty"], target={"kept": 2, "by": "difficulty"})
    assert quotas_of(few) == {"very easy": 1, "easy": 1}


def test_an_even_deal_of_judged_rows_is_met(bench):
    even = recipe(annotate=["difficulty"], target={"kept": 12, "by": "difficulty"})
    bench.sample(even)
    funnel, reasons = bench.select(even)
    assert funnel.quotas == {label: (n, n) for label, n in quotas_of(even).items()}
    kept = [row for row, reason in reasons.items() if reason is None]
    assert len(kept) == 12
    assert None not in [bench.column("response")[row] for row in kept]


def test_true_and_false_are_labels_too(bench, monkeypatch):
    import polars as pl

    made = judge("label", lambda row: row["row"] % 3 == 0, kind=pl.Boolean(), batch=1)
    declare(monkeypatch, made)
    wanted = wanting({"true": 2, "false": 3})
    bench.sample(wanted, TextEngine(TEXTS, slots=2))
    funnel, reasons = bench.select(wanted)
    assert funnel.quotas == {"true": (2, 2), "false": (3, 3)}
    assert reasons == dict.fromkeys(range(5))


@pytest.mark.parametrize("salt", [3, 11])
def test_a_model_that_repeats_itself_ends_a_run(bench, monkeypatch, salt):
    monkeypatch.setattr(course, "NEWEST", 40)
    texts = [f"number {row % 97}" for row in range(400)]
    wanted = recipe(target={"kept": 300, "novelty": 0.5}, rules={})
    bench.sample(wanted, TextEngine(texts, before=in_order(salt), slots=9))
    funnel, reasons = bench.select(wanted)
    assert (funnel.end, funnel.kept, funnel.missing) == ("saturated", 97, 203)
    assert max(reasons) == 97 + 20
    assert list(reasons.values())[97:] == ["duplicate"] * 21
