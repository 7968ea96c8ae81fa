import json
import os

import pytest

from builder.errors import RunError, RunLockedError
from builder.run.directory import RunDirectory, runs_in
from builder.run.offer import offer
from tests.run.runs import begun, resolved


def test_a_folder_that_holds_something_else_is_refused(tmp_path):
    (tmp_path / "notes.txt").touch()
    (tmp_path / "sub").mkdir()
    with pytest.raises(RunError) as caught, RunDirectory(tmp_path).lock():
        pass
    assert caught.value.message == f"{tmp_path} is no run, and not empty: it holds 'notes.txt'"
    assert caught.value.mend == "Name another directory: --run DIR"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["notes.txt", "sub"]


def test_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(RunError, match=r"file is a file\nName"),
        RunDirectory(tmp_path / "file").lock(),
    ):
        pass


def test_an_empty_folder_and_one_that_is_not_there_are_taken(tmp_path):
    for path in (tmp_path, tmp_path / "a" / "b"):
        with RunDirectory(path).lock():
            assert (path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_process_that_died_while_it_began_leaves_a_run_that_can_begin(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "lock").write_text("1\n")
    (folder / ".run.json.123.draft").write_text('{"sour')
    run, record = begun(tmp_path)
    assert run.record().fingerprint == record.fingerprint
    assert sorted(entry.name for entry in folder.iterdir()) == ["lock", "run.json"]


def test_drafts_of_a_killed_process_are_cleared_under_the_lock(tmp_path):
    run, _ = begun(tmp_path)
    shard = run.path / "shards" / "00000"
    shard.mkdir(parents=True)
    drafts = [run.path / ".selection.parquet.7.draft", shard / ".instruct.parquet.7.draft"]
    for draft in drafts:
        draft.touch()
    with run.lock():
        assert [draft for draft in drafts if draft.exists()] == []


def test_one_run_is_locked_once(tmp_path):
    run, _ = begun(tmp_path)
    with run.lock(), pytest.raises(RunLockedError), RunDirectory(run.path).lock():
        pass


def test_events_have_their_time_and_go_on_over_processes(tmp_path):
    run, _ = begun(tmp_path)
    for number in range(2):
        with run.lock():
            run.note("built", number=number)
            assert run.events()[-1]["number"] == number
    events = [json.loads(line) for line in run.events_path.read_text().splitlines()]
    assert events == run.events()
    assert [(event["event"], event["number"]) for event in events] == [("built", 0), ("built", 1)]
    assert all(event["time"].endswith("+00:00") for event in events)


def test_what_is_found_out_at_the_start_is_added_to_the_record_and_stays(tmp_path):
    run, record = begun(tmp_path)
    with run.lock():
        run.amend(server={"image": "tgi:3"})
        run.amend(preflight={"bos": 1})
        (run.path / "shards" / "00000").mkdir(parents=True)
        (run.path / "shards" / "00000" / "instruct.jsonl").write_text("{}\n")
        run.begin(offer(resolved(tmp_path)))
    assert (run.record().server, run.record().preflight) == ({"image": "tgi:3"}, {"bos": 1})
    assert run.record().fingerprint == record.fingerprint


def test_a_folder_without_a_record_is_no_run(tmp_path):
    with pytest.raises(RunError) as caught:
        RunDirectory(tmp_path).record()
    assert caught.value.message == f"{tmp_path} is no run: it has no run.json"


def test_the_runs_of_a_folder_come_by_name(tmp_path):
    for name in ("b", "a", "c"):
        run = RunDirectory(tmp_path / name)
        with run.lock():
            run.begin(offer(resolved(tmp_path)))
    (tmp_path / "c" / "run.json").unlink()
    assert [run.path.name for run in runs_in(tmp_path)] == ["a", "b"]
