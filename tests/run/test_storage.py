import polars as pl
import pytest

from builder.errors import StorageError
from builder.run.storage import is_draft, replacing, sweep_drafts, write_parquet, write_text


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_a_file_stands_under_its_name_when_the_block_has_ended_well(tmp_path):
    path = tmp_path / "file"
    with replacing(path) as draft:
        draft.write_text("new")
        assert names(tmp_path) == [draft.name]
        assert is_draft(draft.name)
    assert path.read_text() == "new"
    assert names(tmp_path) == ["file"]


def test_a_block_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    write_text(path, "old")
    with pytest.raises(ZeroDivisionError), replacing(path) as draft:
        draft.write_text("new")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_a_full_disk_leaves_the_old_file_and_no_draft(small_disk):
    path = small_disk / "file"
    write_text(path, "old")
    with pytest.raises(StorageError) as caught:
        write_text(path, "x" * 100_000)
    assert caught.value.message == f"cannot write {path}: No space left on device"
    assert path.read_text() == "old"
    assert names(small_disk) == ["file"]


def test_a_parquet_file_on_a_full_disk_is_a_storage_error(small_disk):
    path = small_disk / "rows.parquet"
    frame = pl.DataFrame({"text": [str(number * 7919 % 1_000_003) for number in range(50_000)]})
    with pytest.raises(StorageError) as caught:
        write_parquet(path, frame)
    assert caught.value.message == f"cannot write {path}: No space left on device"
    assert names(small_disk) == []
    write_parquet(path, frame.head(9))
    assert pl.read_parquet(path).equals(frame.head(9))


KILLED = """
import os, signal, sys
from pathlib import Path
from builder.run.storage import replacing
with replacing(Path(sys.argv[1])) as draft:
    draft.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_leaves_a_draft_that_is_swept_away(tmp_path, process):
    path = tmp_path / "file"
    write_text(path, "old")
    assert process(KILLED, path).wait() == -9
    assert path.read_text() == "old"
    assert len(names(tmp_path)) == 2
    sweep_drafts(tmp_path)
    assert names(tmp_path) == ["file"]
