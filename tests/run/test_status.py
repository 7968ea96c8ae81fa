import polars as pl
import pytest

from builder.errors import RunError
from builder.recipe.goal import Goal
from builder.run.accounting import cost_of
from builder.run.course import Course
from builder.run.directory import RunDirectory
from builder.run.pace import Each
from builder.run.plan import Terms, plan_of
from builder.run.progress import Progress
from builder.run.spent import Spent
from builder.run.status import status_of, worker
from tests.run.records import instruct, respond
from tests.run.runs import begun
from tests.run.test_accounting import use

NOTED = Progress(
    sampled=5,
    kept=2,
    tokens=20,
    in_flight=7,
    idle_share=0.01234,
    servers=2,
    away=1,
    retries={"429 overloaded": 3},
    seconds=2.0,
).event() | {"rows_a_second": 2.5, "tokens_a_second": 10.0}


@pytest.fixture
def run(tmp_path):
    """A run with five instructions, one of them given up, and two responses."""
    run, record = begun(tmp_path)
    shards = run.shards(record)
    given_up = instruct(3, instruction=None, instruction_tokens=None, instruction_error="gone")
    with shards.shard(0).open_journal("instruct") as journal:
        for row in (instruct(1), instruct(0), given_up, instruct(2)):
            journal.append(row)
    shards.shard(0).complete("instruct")
    with shards.shard(1).open_journal("instruct") as journal:
        journal.append(instruct(32))
    with shards.shard(0).open_journal("respond") as journal:
        journal.append(respond(0))
        journal.append(respond(2))
    return run


def test_a_run_that_was_stopped(run):
    with run.lock():
        run.note("sampling", settled=0, kept=0)
        run.note("progress", seconds=1.0, rows_a_second=1.0)
        run.note("sampling-ended", **NOTED)
    assert status_of(run).to_json() == {
        "path": str(run.path),
        "recipe": "tiny",
        "pid": None,
        "target_kept": 100,
        "target_sampled": None,
        "instructed": 5,
        "answered": 2,
        "tokens": 4 * 3 + 2 * 4,
        "dropped": None,
        "kept": None,
        "kept_so_far": 2,
        "rows_a_second": 2.5,
        "tokens_a_second": 10.0,
        "in_flight": 7,
        "idle_share": 0.0123,
        "servers": 2,
        "away": 1,
        "retries": {"429 overloaded": 3},
        "seconds": 2.0,
        "released": False,
        "plan": None,
        "cost": cost_of(run, 2),
    }


def test_the_latest_plan_is_told_with_the_time_that_is_left_now(run):
    plan = plan_of(counted(), 10, Each(1.0, 0.0, 5.0), Spent(10.0), Terms())
    with run.lock():
        run.note("sampling", gpus=0)
        run.note("plan", rows=7, seconds=None)
        run.note("plan", **plan.to_json())
        run.note("sampling-ended", **NOTED | {"seconds": 40.0})
    told = status_of(run).plan
    assert told == plan.to_json() | {"seconds_left": plan.seconds - 40.0}
    assert told["seconds_left"] == 160.0


def counted():
    course = Course(Goal(kept=100))
    for row in range(10):
        course.take(kept=row % 2 == 0)
    return course


def test_what_was_used_is_told_by_the_rows_that_are_kept(run):
    stages = {"instruct": use(5, 30, 60, 4.0, 8.0)}
    with run.lock():
        run.note("sampling", gpus=2)
        run.note("sampling-ended", **NOTED | {"seconds": 36.0, "stages": stages})
    assert status_of(run).cost["kept_per_gpu_hour"] == 100.0
    pl.DataFrame(
        {"row": range(5), "drop_reason": [None, "long", "long", "long", "long"]}
    ).write_parquet(run.selection_path)
    assert status_of(run).cost["kept_per_gpu_hour"] == 50.0


def test_a_run_that_noted_nothing_yet(run):
    status = status_of(run)
    assert (status.idle_share, status.in_flight, status.retries) == (None, 0, {})


def test_a_run_that_was_selected_and_released(run):
    reasons = ["long", None, "duplicate", "long", None]
    pl.DataFrame({"row": range(5), "drop_reason": reasons}).write_parquet(run.selection_path)
    run.release_path.mkdir()
    (run.release_path / "README.md").touch()
    status = status_of(run)
    assert (status.dropped, status.kept) == ({"long": 2, "duplicate": 1}, 2)
    assert status.released


WORK = """
import sys
from pathlib import Path
from builder.run.directory import RunDirectory
with RunDirectory(Path(sys.argv[1])).lock():
    print(flush=True)
    sys.stdin.readline()
"""


def test_a_run_that_a_process_works_on(run, process):
    other = process(WORK, run.path)
    other.stdout.readline()
    assert status_of(run).pid == other.pid
    other.kill()
    other.wait()
    assert status_of(run).pid is None


def test_looking_changes_nothing(run):
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    status_of(run)
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before


def test_nobody_works_on_what_is_no_run(tmp_path):
    assert worker(RunDirectory(tmp_path)) is None
    with pytest.raises(RunError, match=r"is no run: it has no run.json"):
        status_of(RunDirectory(tmp_path))
