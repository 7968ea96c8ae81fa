import pytest

from builder.run.shards import Shards
from builder.run.writer import ShardWriter
from tests.run.records import instruct, respond


@pytest.fixture
def shards(tmp_path):
    return Shards(tmp_path / "shards", rows_a_shard=3)


def files(shards):
    found = (path for path in shards.folder.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(shards.folder)) for path in found)


def test_a_shard_becomes_parquet_when_its_last_row_is_settled(shards):
    told = []
    writer = ShardWriter(shards, told.append)
    for row in (4, 2, 0, 5):
        writer.append("instruct", row, instruct(row))
    writer.append("respond", 0, respond(0))
    for row in (2, 0, 4):
        writer.settle(row)
    assert told == []
    writer.append("instruct", 1, instruct(1))
    writer.settle(1)
    assert told == [shards.shard(0)]
    assert files(shards) == [
        "00000/instruct.parquet",
        "00000/respond.parquet",
        "00001/instruct.jsonl",
    ]
    writer.close()
    assert shards.shard(0).stage("instruct")["row"].to_list() == [0, 1, 2]
    assert shards.shard(1).stage("instruct")["row"].to_list() == [4, 5]


def test_a_shard_that_was_complete_before_is_not_told_again(shards):
    told = []
    for _ in range(2):  # the second time a process that resumes
        writer = ShardWriter(shards, told.append)
        for row in range(3):
            if len(told) == 0:
                writer.append("instruct", row, instruct(row))
            writer.settle(row)
        writer.close()
    assert told == [shards.shard(0)]


def test_rows_of_a_complete_shard_may_be_answered_later(shards):
    told = []
    writer = ShardWriter(shards, told.append)
    for row in range(3):
        writer.append("instruct", row, instruct(row))
        writer.settle(row)
    writer = ShardWriter(shards, told.append)
    writer.settle(0)
    writer.settle(2)
    writer.append("respond", 1, respond(1))
    writer.settle(1)
    assert told == [shards.shard(0)] * 2
    assert shards.shard(0).rows()["response"].to_list() == [None, "Answer 1", None]
    writer.close()


def test_few_files_are_open_however_many_shards_have_been_written(shards):
    writer = ShardWriter(shards, lambda shard: None)
    for row in range(300):
        writer.append("instruct", row, instruct(row))
        writer.append("respond", row, respond(row))
        writer.settle(row)
        assert len(writer._journals) <= 2
    writer.close()
