"""`kill -9` at any moment: nothing finished is lost, doubled or asked again."""

import importlib.util
import random

import pyarrow.parquet as pq
import pytest

from tests.kill.rig import Rig, contents

needs_llama = pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None, reason="xllamacpp is not installed"
)
pytestmark = pytest.mark.slow

KILLS = 10
"""Of each of the three runs below, while it starts and samples: 30 in all."""


def moments(rig):
    """What the next process does first, and how long after it the kill may come, in seconds."""
    begins, asks, finishes = "run/events.jsonl", "trace.jsonl", "run/shards/*/*.jsonl"
    return ((rig.grows(begins), 0.1), (rig.grows(asks), 0.3), (rig.grows(finishes), 0.3))


@pytest.mark.parametrize("number", range(3))
def test_a_run_that_is_killed_again_and_again_ends_like_one_that_never_was(rig, unkilled, number):
    chance = random.Random(number)
    overrides = ("respond=all",) if number == 2 else ()
    killed = 0
    while killed < KILLS:
        whole = {stage: rig.stage(stage) for stage in ("instruct", "respond")}
        done, (end, _) = rig.seeds_done(), rig.asked()
        happened, longest = chance.choices(moments(rig), weights=(1, 2, 4))[0]
        process = rig.start(*overrides)
        killed += rig.kill_some_time_after(process, happened, chance.uniform(0, longest))
        for stage, rows in whole.items():
            now = rig.stage(stage)
            assert {row: now[row] for row in rows} == rows
        assert done.isdisjoint(rig.asked(end)[1])
    done, (end, _) = rig.seeds_done(), rig.asked()
    assert contents(rig.finish(*overrides)) == unkilled(*overrides)
    assert done.isdisjoint(rig.asked(end)[1])
    assert_each_row_once(rig)


def assert_each_row_once(rig):
    """`Rig.stage` would find a row twice in a file; here, one that stands in two."""
    lines = rig.lines()
    assert len(lines) == len(set(lines))
    complete = {path.parent.name for path in rig.run.glob("shards/*/instruct.parquet")}
    assert complete.isdisjoint(shard for shard, _, _ in lines)
    rows = list(rig.stage("instruct"))
    assert rows == list(range(len(rows)))


def test_kills_while_it_selects_and_releases(rig, unkilled):
    """From the last row on to the end: sampling is over, the release is made."""
    chance = random.Random(99)
    moments = {
        "sampling has ended": lambda: rig.events()[-1:] == ["sampling-ended"],
        "a selection is there": lambda: any(rig.run.glob("*selection.parquet*")),
        "a release is begun": lambda: any(rig.run.glob("*release*")),
        "a card is there": lambda: any(rig.run.glob("*release*/README.md")),
    }
    killed = 0
    for number, happened in enumerate(moments.values()):
        for path in rig.run.glob("*selection.parquet*"):
            path.unlink()
        process = rig.start("target.kept=150")
        killed += rig.kill_some_time_after(process, happened, chance.uniform(0, 0.05 * number))
    assert killed >= 3
    end, _ = rig.asked()
    assert contents(rig.finish()) == unkilled()
    assert rig.asked(end)[1] == []
    assert sorted(path.name for path in rig.run.iterdir()) == [
        "events.jsonl",
        "lock",
        "release",
        "run.json",
        "selection.parquet",
        "shards",
    ]


EMBEDDED = """\
name: killed
version: 1.0.0
summary: Rows of the demo model that are killed now and then.
model: {id: demo, license: apache-2.0}
engine: {kind: embedded, concurrency: 4}
seed: 5
target: {kept: 40}
instruction: {sweep: [{temperature: 1.0}], max_tokens: 60}
response: {max_tokens: 60}
rules:
  instruction: {whole: "instruction_finish_reason = 'stop'"}
"""


@needs_llama
def test_a_run_with_a_real_model_has_the_same_rows_after_kills(tmp_path):
    undisturbed = Rig(tmp_path / "undisturbed", recipe=EMBEDDED)
    expected = pq.read_table(undisturbed.finish() / "raw").to_pylist()
    rig, chance, killed = Rig(tmp_path / "killed", recipe=EMBEDDED), random.Random(3), 0
    while killed < 3:
        whole, first_row = rig.stage("instruct"), rig.grows("run/shards/*/*.jsonl")
        process = rig.start()
        killed += rig.kill_some_time_after(process, first_row, chance.uniform(0, 0.1))
        now = rig.stage("instruct")
        assert {row: now[row] for row in whole} == whole
    assert pq.read_table(rig.finish() / "raw").to_pylist() == expected
    assert_each_row_once(rig)
