import os
import re

import pytest

from builder.errors import RunError, StorageError
from builder.run import journal as journal_module
from builder.run.journal import Journal, read_journal

ROOM = (
    "What was finished is safe. Make room (`df -h` shows where), then run the same command again: "
    "it goes on where it stopped."
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "shards" / "00000" / "rows.jsonl"


def test_records_come_back_in_the_order_in_which_they_were_written(path):
    records = [{"row": 2}, {"row": 0, "text": "Größe\n\u2028 \x00 日本 🙂"}, {"row": 1, "x": None}]
    with Journal(path) as journal:
        for record in records:
            journal.append(record)
    assert read_journal(path) == records
    assert path.read_bytes().count(b"\n") == 3


def test_a_journal_that_is_not_there_is_empty(path):
    assert read_journal(path) == []


def test_a_record_is_readable_from_the_moment_it_is_appended(path):
    journal = Journal(path)
    journal.append({"row": 0})
    assert read_journal(path) == [{"row": 0}]
    journal.close()


TAILS = {
    "half a line": b'{"row":2,"te',
    "JSON without its newline": b'{"row":2}',
    "NULs": b"\x00" * 4096,
    "half a line and NULs": b'{"row":2,' + b"\x00" * 100,
    "a damaged last line": b'{"row":2,\x00\x00\n',
    "half a character": '{"row":2,"text":"ü'.encode()[:-1],
    "a bare newline": b"\n",
}


@pytest.mark.parametrize("tail", TAILS.values(), ids=TAILS)
def test_a_torn_end_is_not_read_and_is_cut_off_when_the_journal_opens(path, tail):
    whole = b'{"row":0}\n{"row":1}\n'
    path.parent.mkdir(parents=True)
    path.write_bytes(whole + tail)
    assert read_journal(path) == [{"row": 0}, {"row": 1}]
    assert path.read_bytes() == whole + tail  # reading changes nothing
    with Journal(path) as journal:
        assert path.read_bytes() == whole
        journal.append({"row": 2})
    assert read_journal(path) == [{"row": 0}, {"row": 1}, {"row": 2}]


@pytest.mark.parametrize("content", [b"", b"{", b"\x00\x00", b"\n"])
def test_a_journal_with_nothing_whole_in_it_begins_anew(path, content):
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert read_journal(path) == []
    with Journal(path) as journal:
        journal.append({"row": 0})
    assert path.read_bytes() == b'{"row":0}\n'


def test_a_damaged_line_in_the_middle_is_an_error_with_its_place(path):
    path.parent.mkdir(parents=True)
    path.write_bytes(b'{"row":0}\n{"row":\n{"row":2}\n')
    with pytest.raises(RunError) as caught:
        read_journal(path)
    assert caught.value.message == f"{path}:2: not a JSON line: b'{{\"row\":'"
    assert caught.value.mend == (
        f"Something else wrote to this file. Delete {path} to sample its rows anew."
    )


def test_a_full_disk_is_told_and_the_journal_stays_as_it_was(small_disk):
    path, written = small_disk / "rows.jsonl", []
    journal = Journal(path)
    with pytest.raises(StorageError) as caught:
        for row in range(1000):
            journal.append({"row": row, "text": "x" * 500})
            written.append(row)
    assert caught.value.message == f"cannot write {path}: No space left on device"
    assert caught.value.mend == ROOM
    assert 50 < len(written) < 130
    content = path.read_bytes()
    assert content.endswith(b"\n")
    assert [record["row"] for record in read_journal(path)] == written
    journal.close()
    assert path.read_bytes() == content


LIMITED = """
import resource, sys
from pathlib import Path
from builder.errors import StorageError
from builder.run.journal import Journal
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
with Journal(Path(sys.argv[1])) as journal:
    for turn in range(3):
        try:
            while True:
                journal.append({"text": "x" * 90})
        except StorageError as error:
            print(error.message)
    journal.append({"text": ""})
"""


def test_a_line_that_is_written_in_part_is_taken_back(path, process):
    out, errors = process(LIMITED, path).communicate()
    assert errors == ""
    assert (
        re.findall(r"cannot write (.*): (.*)", out) == [(str(path), "No space left on device")] * 3
    )
    assert [len(record["text"]) for record in read_journal(path)] == [90] * 9 + [0]


def test_the_disk_is_waited_for_now_and_then_and_at_the_end(path, monkeypatch):
    now, synced = [0.0], []
    monkeypatch.setattr(journal_module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(os, "fsync", synced.append)
    journal = Journal(path)
    for second in range(13):
        now[0] = float(second)
        journal.append({"row": second})
    assert len(synced) == 2  # after more than five seconds, twice
    journal.close()
    journal.close()
    assert len(synced) == 3


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError) as caught:
        Journal(tmp_path / "file" / "rows.jsonl")
    assert caught.value.message == f"cannot write {tmp_path / 'file' / 'rows.jsonl'}: File exists"
    assert caught.value.mend.startswith("What was finished is safe. Mend that, then run")
