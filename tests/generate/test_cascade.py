"""Annotators in the flow: who is asked about which rows, and what becomes of those that fail."""

import asyncio

import pytest

from builder.annotate.base import FAILED, Needs
from builder.errors import EngineError, InterruptedRunError, RowError
from builder.generate.annotating import Annotating
from builder.generate.meter import Meter
from builder.recipe.annotators import Annotation
from tests.generate.bench import Bench, WatchedEngine, in_order, recipe
from tests.generate.made_up import MadeUp, TextEngine, declare, judge

TEXTS = [
    "even one",
    "odd one",
    ("cut off", "length"),
    "EVEN one",
    "even two",
    "break it",
    ("", "stop"),
    "odd two",
]
RULES = {
    "instruction": {
        "whole": "instruction_finish_reason = 'stop'",
        "level": "parity = 'even'",
        "good": "grade = 'good'",
    },
    "response": {"answered": "response != 'No.'"},
}


def parity(row):
    if row["instruction"].startswith("break"):
        raise RowError("it broke")
    return row["instruction"].split()[0].lower()


@pytest.fixture
def made_up(monkeypatch):
    """A cheap annotator, a judge, one of the response, and one that nothing waits for."""
    grades = {"even two": "poor"}
    annotators = [
        judge("grade", lambda row: grades.get(row["instruction"], "good"), batch=1),
        MadeUp("parity", parity),
        MadeUp("tone", lambda row: row["response"].lower(), reads=("response",)),
        MadeUp("extra", parity),
    ]
    declare(monkeypatch, *annotators)
    return {one.annotator.name: one for one in annotators}


def asked(made_up):
    return {name: sorted(one.asked) for name, one in made_up.items()}


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def cascade(**changes):
    annotate = {"grade": {}, "extra": {}, "tone": {}, "parity": {}}
    return recipe(**({"annotate": annotate, "rules": RULES, "target": {"sampled": 8}} | changes))


REASONS = {
    0: None,
    1: "level",
    2: "whole",
    3: "duplicate",
    4: "good",
    5: "unjudged",
    6: "failed",
    7: "level",
}


@pytest.mark.parametrize("salt", [3, 11, 29])
def test_what_a_rule_drops_is_neither_judged_further_nor_answered(bench, made_up, salt):
    bench.sample(cascade(), TextEngine(TEXTS, before=in_order(salt), slots=1))
    _, reasons = bench.select(cascade())
    assert reasons == REASONS
    assert asked(made_up) == {"parity": [0, 1, 4, 5, 7], "grade": [0, 4], "tone": [0], "extra": [0]}
    assert [prompt for prompt, _ in bench.asked if prompt != "<u>"] == ["<u>even one</u><a>"]
    assert bench.column("parity_error")[5] == "it broke"
    assert [one.closed for one in made_up.values()] == [1, 1, 1, 1]


def test_to_all_means_everything_of_every_row_that_has_an_instruction(bench, made_up):
    bench.sample(cascade(respond="all"), TextEngine(TEXTS))
    _, reasons = bench.select(cascade(respond="all"))
    assert reasons == REASONS
    told = [0, 1, 2, 3, 4, 5, 7]
    assert asked(made_up) == dict.fromkeys(made_up, told)
    assert [row for row, text in bench.column("response").items() if text is None] == [6]
    assert bench.column("parity")[3] == "even"


def test_a_row_on_which_only_what_nobody_waits_for_fails_is_kept(bench, made_up):
    texts = ["even one", "break it"]
    wanted = recipe(annotate={"extra": {}}, target={"sampled": 2})
    bench.sample(wanted, TextEngine(texts))
    assert bench.select(wanted)[1] == {0: None, 1: None}
    assert bench.column("extra_error") == {0: None, 1: "it broke"}


def test_a_row_error_of_a_worker_is_that_of_all_rows_it_was_given(bench, made_up):
    async def broken(rows):
        raise RowError("nothing works")

    made_up["parity"].before = broken
    wanted = recipe(
        annotate={"parity": {}},
        rules={"instruction": {"level": "parity = 'even'"}},
        target={"sampled": 3},
    )
    bench.sample(wanted, TextEngine(["even one", "even two", "odd"]))
    assert bench.select(wanted)[1] == dict.fromkeys(range(3), "unjudged")
    assert set(bench.column("parity_error").values()) == {"nothing works"}


def test_an_annotator_that_nothing_can_follow_ends_the_run_and_leaves_it_whole(bench, made_up):
    async def dead(rows):
        raise EngineError("the reward model is gone")

    made_up["grade"].before = dead
    with pytest.raises(EngineError, match="the reward model is gone"):
        bench.sample(cascade(), TextEngine(TEXTS))
    assert (bench.engine.closed, made_up["grade"].closed) == (1, 1)
    made_up["grade"].before = None
    seen = [row for row, done in bench.column("parity").items() if done]
    made_up["parity"].asked.clear()
    bench.sample(cascade(), TextEngine(TEXTS))
    assert bench.select(cascade())[1] == REASONS
    assert not set(seen) & set(made_up["parity"].asked)


def test_a_worker_that_says_too_little_ends_the_run_instead_of_stalling_it(bench, made_up):
    made_up["parity"]._values = None
    made_up["parity"].annotate = lambda rows: asyncio.sleep(0, [])
    with pytest.raises(ValueError, match="shorter than"):
        bench.sample(cascade(), TextEngine(TEXTS))


def test_a_budget_spent_while_annotating_stops_whole_and_goes_on(bench, made_up):
    async def stuck(rows):
        if rows[0]["row"] == 4:
            await asyncio.Event().wait()

    made_up["grade"].before = stuck
    with pytest.raises(InterruptedRunError) as caught:
        bench.sample(cascade(), TextEngine(TEXTS), seconds=0.5)
    assert caught.value.exit_status == 3
    assert (bench.engine.closed, made_up["grade"].closed) == (1, 1)
    made_up["grade"].before = None
    made_up["grade"].asked.clear()
    bench.sample(cascade(), TextEngine(TEXTS))
    assert made_up["grade"].asked == [4]
    assert bench.select(cascade())[1] == REASONS


def test_rows_without_what_a_needed_step_reads_are_unjudged_and_not_waited_for(bench, made_up):
    """The one annotator reads a column that the other left empty without a reason."""
    made_up["parity"]._say = lambda row: None if row["row"] else "even"
    made_up["grade"].annotator.__dict__["reads"] = ("instruction", "parity")
    rules = {"instruction": {"good": "grade = 'good'"}}
    wanted = recipe(annotate={"grade": {}, "parity": {}}, rules=rules, target={"sampled": 3})
    bench.sample(wanted, TextEngine(["one", "two", "three"]))
    assert bench.select(wanted)[1] == {0: None, 1: "unjudged", 2: "unjudged"}
    assert made_up["grade"].asked == [0]


def test_the_judges_of_a_scripted_run_are_asked_in_turn_and_only_of_what_is_left(bench):
    rules = {
        "instruction": {
            "whole": "instruction_finish_reason = 'stop'",
            "good": "input_quality >= 'average'",
            "hard": "difficulty >= 'easy'",
        }
    }
    wanted = recipe(annotate=["quality", "difficulty"], rules=rules, target={"sampled": 40})
    bench.sample(wanted, WatchedEngine(slots=9))
    _, reasons = bench.select(wanted)
    quality, difficulty = bench.column("input_quality"), bench.column("difficulty")
    assert {row for row, label in quality.items() if label} >= {
        row for row, label in difficulty.items() if label
    }
    low = {row for row, label in quality.items() if label in ("very poor", "poor")}
    assert {row for row, reason in reasons.items() if reason == "good"} == low
    assert low
    assert {difficulty[row] for row in low} == {None}
    kept = {row for row, reason in reasons.items() if reason is None}
    answered = {row for row, text in bench.column("response").items() if text}
    assert kept == answered
    assert {difficulty[row] for row in kept} <= {"easy", "medium", "hard", "very hard"}


def annotating(say, needs=Needs.NOTHING, batch=4):
    made = MadeUp("made", say, needs=needs, batch=batch)
    options = made.annotator.options()
    return made, Annotating(Annotation(made.annotator, options, "made-1"), made, Meter())


def known(row):
    return {"row": row, "uuid": f"u{row}", "instruction": "text"}


def test_a_row_that_comes_just_as_the_last_batch_ends_is_not_forgotten():
    """It comes in the very turn of the loop in which those that waited get their answers."""

    async def work(turns):
        made, annotates = annotating(lambda row: "fine")
        first = asyncio.create_task(annotates.row(known(0)))
        for _ in range(turns):
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            second = await annotates.row(known(1))
            await first
        await annotates.close()
        return second["made"], sorted(made.asked)

    for turns in range(12):
        assert asyncio.run(work(turns)) == ("fine", [0, 1])


def test_what_this_machine_computes_goes_in_batches_one_at_a_time():
    async def work():
        made, annotates = annotating(lambda row: "fine")
        said = await asyncio.gather(*(annotates.row(known(row)) for row in range(10)))
        await annotates.close()
        return [one["row"] for one in said], made.batches

    assert asyncio.run(work()) == (list(range(10)), [4, 4, 2])


def test_a_row_that_is_cancelled_takes_nobody_of_its_batch_with_it():
    async def work():
        _, annotates = annotating(lambda row: "fine")
        tasks = [asyncio.create_task(annotates.row(known(row))) for row in range(3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        said = await asyncio.gather(*tasks, return_exceptions=True)
        await annotates.close()
        return said

    first, second, third = asyncio.run(work())
    assert isinstance(second, asyncio.CancelledError)
    assert (first["row"], third["row"]) == (0, 2)


def test_halves_of_surrogate_pairs_come_to_no_journal():
    async def work():
        _, annotates = annotating(lambda row: ["a\ud800", "b"] if row["row"] else "c\udc00")
        said = [await annotates.row(known(row)) for row in range(2)]
        await annotates.close()
        return [one["made"] for one in said], said[0].get(f"made{FAILED}")

    assert asyncio.run(work()) == (["c\ufffd", ["a\ufffd", "b"]], None)
