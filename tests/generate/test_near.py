"""Whatever the order in which rows come: near twins, exact twins, quotas and the end of a run."""

import asyncio
import random
import struct

import polars as pl
import pytest

from builder.generate.near import NearTwins
from builder.generate.sampling import row_seed
from builder.recipe.goal import goal_of
from builder.run.course import Course
from builder.select.duplicates import instruction_key
from tests.generate.bench import Bench, in_order, recipe
from tests.generate.made_up import MadeUp, TextEngine, declare, judge

RADIUS = 0.5
"""Of near twins, in the numbers that the made-up instructions name; the recipe has its square."""

RULES = {
    "instruction": {
        "whole": "instruction_finish_reason = 'stop'",
        "calm": "tone = 'calm'",
        "good": "grade = 'good'",
    },
    "response": {"answered": "response != 'no'"},
}
ANNOTATE = {
    "grade": {},
    "tone": {},
    "embedding": {},
    "neighbours": {"drop_within": RADIUS**2},
    "label": {},
}


def place_of(text):
    """Where an instruction lies, without a rounding. Twins that differ in case lie apart."""
    return float(text.split()[2]) + (0.75 if text.isupper() else 0)


def vector(text):
    return struct.pack("<2f", place_of(text), 0.0)


def tone(text):
    return "loud" if text.isupper() and int(place_of(text) * 10) % 3 == 0 else "calm"


def grade(text):
    return "poor" if text.split()[-1].lower() == "p" else "good"


def label(text):
    return text.split()[3].lower()


def reply(prompt, params):
    return "no" if instruction_key(prompt)[0] < 60 else "yes"


def world(seed, rows=300):
    """Instructions of which many are twins, near twins or links of a chain of those."""
    chance, texts = random.Random(seed), []
    for _ in range(rows):
        at, of = chance.randrange(160) / 4, chance.choice("aabbc")
        text = f"text at {at} {of} {'p' if chance.random() < 0.2 else 'g'}"
        if texts and chance.random() < 0.25:  # a twin of a row that may be under way still
            text = chance.choice(texts[-6:]).lower()
        text = text.upper() if chance.random() < 0.4 else text
        texts.append(text)
    return [(text, "length") if chance.random() < 0.1 else text for text in texts]


def one_by_one(texts, wanted):
    """The drop reasons of rows that come one after the other, up to the end of the run."""
    course, reasons, seen, standing = Course(goal_of(wanted)), {}, set(), []
    for row, text in enumerate(texts):
        if course.end is not None:
            break
        reason, new = "whole", None
        if isinstance(text, str):
            reason = early_reason(text, seen, standing)
            new = reason not in ("duplicate", "near-duplicate")
            reason = reason or late_reason(text, course)
        reasons[row] = reason
        course.take(kept=reason is None, label=label(str(text)), new=new)
    return reasons, course.end


def early_reason(text, seen, standing):
    key = instruction_key(text)
    if key in seen:
        return "duplicate"
    seen.add(key)
    if tone(text) != "calm":
        return "calm"
    if any((place_of(text) - other) ** 2 <= RADIUS**2 for other in standing):
        return "near-duplicate"
    standing.append(place_of(text))
    return None


def late_reason(text, course):
    if grade(text) != "good":
        return "good"
    if course.full(label(text)):
        return "quota"
    return "answered" if reply(f"<u>{text}</u><a>", None) == "no" else None


@pytest.fixture
def made_up(monkeypatch):
    """The annotators of the recipe, anew."""

    def declared(salt=1):
        async def before(rows):
            for _ in range(sum(row["row"] for row in rows) * salt % 31):
                await asyncio.sleep(0)

        annotators = (
            MadeUp("tone", lambda row: tone(row["instruction"])),
            MadeUp("embedding", lambda row: vector(row["instruction"]), kind=pl.Binary()),
            judge("grade", lambda row: grade(row["instruction"]), batch=1),
            judge("label", lambda row: label(row["instruction"]), batch=1),
        )
        for one in annotators:
            one.before = before
        declare(monkeypatch, *annotators)
        return {one.annotator.name: one for one in annotators}

    return declared


TARGETS = {
    "sampled": {"sampled": 50},
    "kept": {"kept": 9},
    "quotas": {"kept": 7, "by": "label", "quotas": {"a": 4, "b": 2, "c": 1}},
    "even": {"kept": 4, "by": "label", "quotas": {"b": 2, "c": 2}},
}
SALTS = (1, 3, 5, 11, 29, 53)


@pytest.mark.parametrize(
    ("target", "respond"), [*((one, "survivors") for one in TARGETS), ("quotas", "all")]
)
@pytest.mark.parametrize("salt", SALTS)
def test_rows_in_any_order_end_as_if_they_came_one_by_one(tmp_path, made_up, salt, target, respond):
    texts = world(salt)
    wanted = recipe(rules=RULES, annotate=ANNOTATE, target=TARGETS[target], respond=respond)
    made_up(salt)
    bench = Bench(tmp_path, rows_a_shard=3 + salt % 7)
    bench.sample(wanted, TextEngine(texts, reply, in_order(salt), slots=12))
    funnel, reasons = bench.select(wanted)
    assert (reasons, funnel.end) == one_by_one(texts, wanted)
    assert funnel.end == "target"
    asked = bench.asked
    bench.sample(wanted, TextEngine(texts, reply))
    assert asked
    assert bench.asked == []


def late(*rows):
    """A `before` that lets these rows' instructions come after all else that is under way."""
    seeds = {row_seed(7, row, "instruct") for row in rows}

    async def before(number, prompt, params):
        if params.seed in seeds:
            for _ in range(400):
                await asyncio.sleep(0)

    return before


@pytest.mark.parametrize("respond", ["survivors", "all"])
def test_a_twin_that_falls_takes_no_row_with_it_that_is_near_to_it_alone(
    tmp_path, made_up, respond
):
    texts = ["text at 1.5 a g", "TEXT AT 1.5 A G", "text at 2.5 a g", "text at 3.25 a g"]
    wanted = recipe(rules=RULES, annotate=ANNOTATE, target={"sampled": 4}, respond=respond)
    made_up()
    bench = Bench(tmp_path)
    bench.sample(wanted, TextEngine(texts, before=late(0)))
    _, reasons = bench.select(wanted)
    assert reasons == {0: None, 1: "duplicate", 2: None, 3: None}


def near_pairs(seed):
    """Rows with vectors that come in a random order, and those of them that go again."""
    chance = random.Random(seed)
    rows = [(row, chance.randrange(40) / 4) for row in range(30)]
    return chance.sample(rows, len(rows)), set(chance.sample(range(30), 8)), chance


@pytest.mark.parametrize("radius", [0.0, RADIUS**2])
@pytest.mark.parametrize("seed", range(40))
def test_who_stands_is_as_if_rows_taken_back_had_never_been_there(radius, seed):
    rows, going, chance = near_pairs(seed)
    near, told = NearTwins(radius), {}
    near.changed = told.__setitem__
    for row, place in rows:
        told[row] = near.claim(row, struct.pack("<2f", place, 0.0))
        gone = [one for one in going if one in told and chance.random() < 0.3]
        for one in gone:
            near.withdraw(one)
            going.remove(one)
            del told[one]
    standing = []
    for row, place in sorted(rows):
        if row in told:
            stands = all((place - other) ** 2 > radius for other in standing)
            standing += [place] if stands else []
            assert (near.stands(row), told[row]) == (stands, stands), row
        else:
            assert not near.stands(row)
