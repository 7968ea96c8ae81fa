import json

import polars as pl
import pytest

from builder.rows import INSTRUCT, RESPOND
from builder.run.shards import Shards
from tests.run.records import instruct, respond


@pytest.fixture
def shards(tmp_path):
    return Shards(tmp_path / "shards", rows_a_shard=4)


def write(shard, stage, records):
    with shard.open_journal(stage) as journal:
        for record in records:
            journal.append(record)


def test_a_row_lies_in_the_shard_of_its_range(shards):
    assert [(shards.of_row(row).number, shards.of_row(row).first) for row in (0, 3, 4, 11)] == [
        (0, 0),
        (0, 0),
        (1, 4),
        (2, 8),
    ]
    assert shards.of_row(11).folder.name == "00002"
    assert shards.of_row(11).end == 12


def test_shards_that_have_a_folder_come_in_the_order_of_their_rows(shards):
    for number in (12, 2, 100_003):
        write(shards.shard(number), "instruct", [])
    (shards.folder / "notes").mkdir()
    assert [shard.number for shard in shards] == [2, 12, 100_003]


def test_rows_of_a_journal_come_sorted_with_their_types(shards):
    write(shards.shard(0), "instruct", [instruct(2), instruct(0), instruct(1)])
    frame = shards.shard(0).stage("instruct")
    assert frame["row"].to_list() == [0, 1, 2]
    assert frame.schema == pl.Schema(dict(INSTRUCT))


def test_a_shard_without_rows_has_the_columns_all_the_same(shards):
    assert shards.shard(0).stage("respond").schema == pl.Schema(dict(RESPOND))
    assert shards.shard(0).rows().height == 0


def test_a_given_up_row_holds_null_where_nothing_was_written(shards):
    record = {"row": 0, "uuid": "u0", "temperature": 1.0, "top_p": 1.0, "seed": 1}
    write(shards.shard(0), "instruct", [record | {"instruction_error": "too long"}])
    [row] = shards.shard(0).rows().iter_rows(named=True)
    assert (row["instruction"], row["instruction_length"], row["instruction_error"]) == (
        None,
        None,
        "too long",
    )


def test_completing_turns_the_journal_into_parquet_once(shards):
    shard = shards.shard(0)
    write(shard, "instruct", [instruct(row) for row in (3, 1, 0, 2)])
    before = shard.stage("instruct")
    assert shard.complete("instruct") is True
    assert shard.complete("instruct") is False
    assert [entry.name for entry in shard.folder.iterdir()] == ["instruct.parquet"]
    assert shard.stage("instruct").equals(before)
    assert shard.stage("instruct", ("row", "seed")).to_dict(as_series=False) == {
        "row": [0, 1, 2, 3],
        "seed": [100, 101, 102, 103],
    }


def test_a_crash_between_writing_parquet_and_removing_the_journal_doubles_nothing(shards):
    shard = shards.shard(0)
    write(shard, "instruct", [instruct(row) for row in (1, 0)])
    journal = shard.journal_path("instruct").read_bytes()
    shard.complete("instruct")
    shard.journal_path("instruct").write_bytes(journal)
    assert shard.stage("instruct")["row"].to_list() == [0, 1]
    assert shard.complete("instruct") is True
    assert shard.stage("instruct")["row"].to_list() == [0, 1]
    assert not shard.journal_path("instruct").exists()


def test_rows_that_come_after_the_shard_was_complete_join_the_others(shards):
    shard = shards.shard(0)
    write(shard, "respond", [respond(2)])
    shard.complete("respond")
    write(shard, "respond", [respond(0, response="Later"), respond(2, response="never seen")])
    seen = shard.stage("respond", ("row", "response")).rows()
    assert seen == [(0, "Later"), (2, "Answer 2")]  # a row stays what it was first
    shard.complete("respond")
    assert shard.stage("respond", ("row", "response")).rows() == seen


def test_a_row_joins_its_response_and_an_unanswered_one_holds_null(shards):
    shard = shards.shard(0)
    write(shard, "instruct", [instruct(1), instruct(0)])
    write(shard, "respond", [respond(1)])
    rows = shard.rows()
    assert rows.columns == [*INSTRUCT, *(name for name in RESPOND if name not in INSTRUCT)]
    assert rows.select("row", "uuid", "response").rows() == [(0, "u0", None), (1, "u1", "Answer 1")]


def test_a_torn_line_of_a_shard_is_no_row(shards):
    shard = shards.shard(0)
    write(shard, "instruct", [instruct(0)])
    with shard.journal_path("instruct").open("a") as journal:
        journal.write(json.dumps(instruct(1)))
    assert shard.stage("instruct")["row"].to_list() == [0]
