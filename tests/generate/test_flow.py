import asyncio
import json
from functools import partial

import pytest

from builder.engines.base import SamplingParams, complete
from builder.engines.scripted import ScriptedEngine
from builder.errors import (
    BrokenStreamError,
    EngineError,
    InterruptedRunError,
    RowError,
    RunError,
    StorageError,
)
from builder.generate import ledger
from builder.generate.sampling import row_seed
from builder.run.journal import Journal
from tests.generate.bench import TEMPLATE, Bench, WatchedEngine, in_order, raising, recipe

INSTRUCT = partial(row_seed, 7, stage="instruct")
RESPOND = partial(row_seed, 7, stage="respond")


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def text_of(prompt, seed, temperature=1.0, top_p=1.0):
    params = SamplingParams(temperature, top_p, 40, seed, TEMPLATE.stops)
    return asyncio.run(complete(ScriptedEngine(), prompt, params)).text


def test_every_row_is_sampled_once_with_its_own_seed(bench):
    bench.sample(recipe(respond="all"))
    seeds = [seed for prompt, seed in bench.asked if prompt == "<u>"]
    assert sorted(seeds) == sorted(INSTRUCT(row) for row in range(40))
    assert list(bench.column("row")) == list(range(40))
    assert len(bench.asked) == 80
    assert bench.engine.closed == 1


def test_a_row_that_a_rule_drops_is_not_answered(bench):
    bench.sample(recipe())
    reasons, responses = bench.column("instruction_finish_reason"), bench.column("response")
    twins = [row for row in range(40) if responses[row] is None and reasons[row] == "stop"]
    texts = {row: str(text).casefold() for row, text in bench.column("instruction").items()}
    assert {reasons[row] for row in range(40) if responses[row] is not None} == {"stop"}
    assert all(" ".join(texts[row].split()) in STOCK for row in twins)
    assert len(bench.asked) == 40 + sum(text is not None for text in responses.values())


STOCK = {"tell me a joke.", "what can you do?"}


def test_to_all_means_to_all(bench):
    bench.sample(recipe(respond="all"))
    assert None not in bench.column("response").values()
    assert "length" in bench.column("instruction_finish_reason").values()


def test_a_row_that_is_given_up_keeps_its_reason_and_the_others_go_on(bench):
    answered = answered_row(bench)
    errors = {INSTRUCT(3): RowError("too long"), RESPOND(answered): RowError("refused")}
    bench.sample(recipe(), WatchedEngine(raising(errors)))
    given_up = {row: why for row, why in bench.column("instruction_error").items() if why}
    unanswered = {row: why for row, why in bench.column("response_error").items() if why}
    assert given_up == {3: "too long"}
    assert unanswered == {answered: "refused"}
    assert list(bench.column("row")) == list(range(40))


def answered_row(bench):
    """A row of the recipe that is answered when nothing fails."""
    other = Bench(bench.shards.folder.parent / "other")
    other.sample(recipe())
    return next(row for row, text in other.column("response").items() if text and row > 3)


def test_a_broken_stream_is_tried_again_and_given_up_in_the_end(bench):
    errors = {INSTRUCT(3): BrokenStreamError("cut off")}
    bench.sample(recipe(), WatchedEngine(raising(errors)))
    assert bench.column("instruction_error")[3] == "given up after 4 tries: cut off"
    assert [seed for _, seed in bench.asked].count(INSTRUCT(3)) == 4
    assert bench.progress.retries == {"stream broken": 3}


def whole_lines(bench):
    """All journal lines; each of them can be read."""
    lines = [
        line for path in bench.shards.folder.rglob("*.jsonl") for line in path.open(newline="\n")
    ]
    assert all(line.endswith("\n") for line in lines)
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("number", [0, 1, 17, 50])
def test_an_error_that_nothing_can_follow_ends_the_run_and_leaves_it_whole(bench, caplog, number):
    async def before(count, prompt, params):
        if count >= number:  # several fail at once
            raise EngineError(f"dead at {count}")

    with pytest.raises(EngineError, match=r"^dead at \d+$"):
        bench.sample(recipe(), WatchedEngine(before))
    assert bench.engine.closed == 1
    whole_lines(bench)
    first = bench.rows()
    assert len(first) < 40
    assert bench.events[-1][0] == "sampling-ended"
    assert bench.events[-1][1]["sampled"] == bench.progress.sampled
    asked_before, had = bench.asked, finished(bench)
    bench.sample(recipe())
    again = {key for key in asked_before if key in bench.asked}
    assert not again & had
    other = Bench(bench.shards.folder.parent / "other")
    other.sample(recipe())
    assert bench.rows() == other.rows()
    assert [record for record in caplog.records if record.name == "asyncio"] == []


def finished(bench):
    """What was asked, of the rows that stand on disk."""
    instructions = {("<u>", seed) for seed in bench.column("seed").values()}
    texts = bench.column("instruction")
    answers = {row for row, text in bench.column("response").items() if text is not None}
    return instructions | {(TEMPLATE.response_prompt(texts[row]), RESPOND(row)) for row in answers}


@pytest.mark.parametrize("salt", [3, 5, 11, 29])
@pytest.mark.parametrize("slots", [2, 7])
def test_rows_are_the_same_in_whatever_order_the_answers_come(bench, salt, slots):
    kept = recipe(target={"kept": 30})
    bench.sample(kept, WatchedEngine(in_order(salt), slots=slots))
    other = Bench(bench.shards.folder.parent / "other")
    other.sample(kept)
    assert bench.released(kept).equals(other.released(kept))
    reasons = bench.released(kept)["drop_reason"].to_list()
    assert (reasons.count(None), reasons[-1]) == (30, None)


def test_requests_in_flight_are_as_many_as_the_engine_has_slots(bench):
    most = []

    async def before(number, prompt, params):
        inside = bench.engine.inside = bench.engine.inside + 1
        most.append(inside)
        await asyncio.sleep(0)
        bench.engine.inside -= 1

    engine = WatchedEngine(before, slots=5)
    engine.inside = 0
    bench.sample(recipe(), engine)
    assert max(most) == 5


def test_a_run_whose_budget_is_spent_stops_whole_and_goes_on(bench):
    async def before(number, prompt, params):
        if number >= 20:
            await asyncio.Event().wait()  # an answer that never comes

    with pytest.raises(InterruptedRunError) as caught:
        bench.sample(recipe(), WatchedEngine(before), seconds=0.2)
    said = f"the budget is spent, with {bench.progress.kept} rows kept of {bench.progress.sampled}"
    assert caught.value.message == f"stopped: {said} sampled; nothing that was finished is lost"
    assert caught.value.exit_status == 3
    assert bench.engine.closed == 1
    assert 0 < len(bench.rows()) < 40
    whole_lines(bench)
    bench.sample(recipe())
    assert len(bench.rows()) == 40


def test_a_timeout_of_the_engine_is_no_spent_budget(bench):
    async def before(number, prompt, params):
        raise TimeoutError("of the engine itself")

    with pytest.raises(TimeoutError, match="of the engine itself"):
        bench.sample(recipe(), WatchedEngine(before), seconds=1000)


def test_a_note_that_cannot_be_written_does_not_hide_why_sampling_ended(bench):
    def note(event, **details):
        if event == "sampling-ended":
            raise StorageError("events.jsonl is full")

    async def before(number, prompt, params):
        raise EngineError("dead")

    with pytest.raises(EngineError, match=r"^dead$"):
        bench.sample(recipe(), WatchedEngine(before), note=note)


def test_a_disk_that_refuses_a_row_ends_the_run_with_that(bench, monkeypatch, caplog):
    append, room = Journal.append, [60]

    def refusing(self, record):
        room[0] -= 1
        if room[0] < 0:
            raise StorageError("no room")
        append(self, record)

    monkeypatch.setattr(Journal, "append", refusing)
    with pytest.raises(StorageError, match=r"^no room$"):
        bench.sample(recipe(), WatchedEngine(slots=16))
    assert bench.engine.closed == 1
    monkeypatch.undo()
    bench.sample(recipe())
    assert list(bench.column("row")) == list(range(40))
    assert [record for record in caplog.records if record.name == "asyncio"] == []


def test_rules_that_let_nothing_through_are_told_in_time(bench, monkeypatch):
    monkeypatch.setattr(ledger, "PATIENCE", 50)
    nothing = {"instruction": {"never": "instruction_length < 0"}}
    with pytest.raises(RunError, match=r"^none of the last \d+ rows was kept: 0 of 30 rows so far"):
        bench.sample(recipe(rules=nothing, target={"kept": 30}))
    assert bench.engine.closed == 1


def test_what_happened_is_noted(bench):
    bench.sample(recipe(target={"sampled": 16}))
    names = [event for event, _ in bench.events]
    assert names[0] == "sampling"
    assert sorted(names[1:-1]) == ["shard-complete"] * 2
    assert names[-1] == "sampling-ended"
    assert bench.events[0][1] == {"settled": 0, "kept": 0, "slots": 4, "gpus": 0}
    ended = bench.events[-1][1]
    tokens = [
        *bench.column("instruction_tokens").values(),
        *bench.column("response_tokens").values(),
    ]
    assert (ended["sampled"], ended["tokens"]) == (16, sum(count or 0 for count in tokens))
