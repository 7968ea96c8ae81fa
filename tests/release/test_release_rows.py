import json
import random

import polars as pl
import pyarrow.parquet as pq
import pytest

from builder.errors import RunError, StorageError
from builder.release import parquet
from builder.release.columns import arrow_schema, filtered_columns, raw_columns, type_name
from builder.release.release import Selected, make_release
from builder.run.shards import Shards
from tests.select.tiny_run import TEMPLATE, recipe, row

FILES = [
    "CHANGELOG.md",
    "README.md",
    "facts/pro.json",
    "filtered/pro-00000-of-00001.parquet",
    "licenses/pro/NOTICE.txt",
    "plots/pro/funnel.svg",
    "plots/pro/instruction-length.svg",
    "plots/pro/response-length.svg",
    "raw/pro-00000-of-00001.parquet",
    "recipe/pro.yaml",
]


def raw(made):
    return pl.read_parquet(made.folder / "raw" / "*.parquet").rows_by_key("row", named=True)


def test_files_of_a_release(release, contents):
    made = release()
    assert sorted(contents(made.folder)) == FILES
    assert made.rows == {"filtered": 3, "raw": 10}
    assert made.split == "pro"


def test_a_kept_row(release):
    made = release()
    first = pl.read_parquet(made.folder / "filtered" / "*.parquet").row(0, named=True)
    assert first == {
        "uuid": "u0",
        "row": 0,
        "model": "org/tiny-model",
        "gen_input_configs": {
            "temperature": 1.0,
            "top_p": 1.0,
            "input_generator": "org/tiny-model",
            "seed": 1000,
            "pre_query_template": "<|begin|><|user|>\n\n",
        },
        "instruction": "Tell me a tale",
        "response": "Once upon a time",
        "conversations": [
            {"from": "human", "value": "Tell me a tale"},
            {"from": "gpt", "value": "Once upon a time"},
        ],
        "messages": [
            {"role": "user", "content": "Tell me a tale"},
            {"role": "assistant", "content": "Once upon a time"},
        ],
        "instruction_length": 14,
        "response_length": 16,
        "instruction_tokens": 4,
        "response_tokens": 4,
        "instruction_finish_reason": "stop",
        "finish_reason": "stop",
    }


def test_rows_and_reasons_in_order(release):
    made = release()
    table = pl.read_parquet(made.folder / "raw" / "*.parquet")
    assert list(table.select("row", "drop_reason", "duplicate_of").iter_rows()) == [
        (0, None, None),
        (1, "failed", None),
        (2, "short", None),
        (3, "whole", None),
        (4, "duplicate", "u0"),
        (5, "wordy", None),
        (6, "unanswered", None),
        (7, "failed", None),
        (8, None, None),
        (9, None, None),
    ]
    kept = pl.read_parquet(made.folder / "filtered" / "*.parquet")
    assert kept["row"].to_list() == [0, 8, 9]
    assert kept.columns == [column.name for column in filtered_columns(recipe())]


def test_arrow_types_are_the_documented_ones(release):
    made = release()
    for config, columns in (
        ("filtered", filtered_columns(recipe())),
        ("raw", raw_columns(recipe())),
    ):
        file = made.folder / config / "pro-00000-of-00001.parquet"
        assert pq.read_schema(file).equals(arrow_schema(columns))
        assert pq.read_schema(file).metadata is None
    types = {column.name: type_name(column.type) for column in filtered_columns(recipe())}
    assert types["conversations"] == "list<struct{from: string, value: string}>"


def test_an_early_response_to_a_dropped_row_is_left_out(release):
    rows = raw(release())
    for number in (2, 4):
        (values,) = rows[number]
        response = ["response", "response_length", "response_tokens", "finish_reason"]
        assert [values[name] for name in response] == [None] * 4
        assert values["conversations"] is None
        assert values["messages"] is None
    assert rows[5][0]["response"] == "x"
    assert rows[7][0]["response_error"] == "boom"
    assert rows[1][0]["instruction_error"] == "gone"


def test_with_respond_all_every_response_stays(release):
    rows = raw(release(recipe_=recipe(respond="all")))
    assert rows[4][0]["response"] == "Twice upon a time"
    assert rows[2][0]["messages"][1]["content"] == "an answer that came early"


def test_whether_a_twin_was_answered_shows_nowhere(release, contents, rows):
    bare = [(asked, None if asked["row"] in (2, 4) else answer) for asked, answer in rows]
    assert contents(release("early").folder) == contents(release("late", bare).folder)


@pytest.mark.parametrize("seed", range(4))
def test_arrival_order_and_shard_size_change_no_byte(release, contents, rows, seed):
    mixed = random.Random(seed).sample(rows, len(rows))
    other = release("mixed", mixed, rows_a_shard=2 + 3 * seed, complete=seed > 1)
    assert contents(release("straight").folder) == contents(other.folder)


def test_no_name_of_this_machine_is_in_a_release(release, contents, tmp_path):
    engine = {"kind": "openai", "endpoint": ["http://node17:8080"], "concurrency": 31}
    model = {"id": f"{tmp_path}/weights/tiny", "license": "apache-2.0"}
    made = release(recipe_=recipe(engine=engine, model=model))
    whole = b"".join(contents(made.folder).values())
    for word in (b"node17", str(tmp_path).encode(), b"/somewhere", b"31\n"):
        assert word not in whole
    assert raw(made)[0][0]["model"] == "tiny"


def test_row_groups_and_files_are_cut_by_row_number(release, monkeypatch):
    monkeypatch.setattr(parquet, "GROUP_SPAN", 5)
    monkeypatch.setattr(parquet, "FILE_SPAN", 10)
    rows = [row(n, f"number {n}" if n % 2 and not 10 <= n < 20 else "no") for n in range(28)]
    made = release(rows=rows, rows_a_shard=7)
    spans = {}
    for file in sorted(made.folder.glob("*/*.parquet")):
        reader = pq.ParquetFile(file)
        groups = range(reader.num_row_groups)
        name = file.relative_to(made.folder).as_posix()
        spans[name] = [reader.read_row_group(n, ["row"])["row"].to_pylist() for n in groups]
    assert spans == {
        "filtered/pro-00000-of-00002.parquet": [[1, 3], [5, 7, 9]],
        "filtered/pro-00001-of-00002.parquet": [[21, 23], [25, 27]],
        "raw/pro-00000-of-00003.parquet": [list(range(5)), list(range(5, 10))],
        "raw/pro-00001-of-00003.parquet": [list(range(10, 15)), list(range(15, 20))],
        "raw/pro-00002-of-00003.parquet": [list(range(20, 25)), list(range(25, 28))],
    }
    listed = json.loads((made.folder / "facts/pro.json").read_text())["configs"]
    assert [*listed["filtered"]["files"], *listed["raw"]["files"]] == list(spans)


@pytest.mark.parametrize(
    ("group", "last", "span"),
    [
        (4_000_000, 300_000, 250_000),  # 400 bytes a row
        (18_000_000, 300_000, 250_000),
        (18_000_001, 300_000, 100_000),
        (50_000_000, 300_000, 50_000),
        (400_000_000, 300_000, 10_000),
        (900_000_000, 300_000, 10_000),  # one row group is more than a file should have
        (50_000_000, 1_999_999, 50_000),
        (50_000_000, 2_000_000, 100_000),  # rather larger files than more than a commit takes
        (400_000_000, 20_000_000, 250_000),
    ],
)
def test_long_rows_make_files_of_fewer_rows(group, last, span):
    assert parquet.file_span(group, last) == span


def test_files_of_long_rows_are_cut_after_their_first_row_group(release, monkeypatch):
    monkeypatch.setattr(parquet, "GROUP_SPAN", 2)
    monkeypatch.setattr(parquet, "FILE_SPAN", 8)
    monkeypatch.setattr(parquet, "FILE_BYTES", 1)
    rows = [row(n, f"number {n}") for n in range(5)]
    made = release(rows=rows)
    files = sorted(made.folder.glob("filtered/*.parquet"))
    assert [pl.read_parquet(file)["row"].to_list() for file in files] == [[0, 1], [2, 3], [4]]
    monkeypatch.setattr(parquet, "FILE_BYTES", 10**9)
    (file,) = release("whole", rows=rows).folder.glob("filtered/*.parquet")
    assert pl.read_parquet(file)["row"].to_list() == [0, 1, 2, 3, 4]


def test_parquet_has_page_index_zstd_and_plain_texts(release):
    file = pq.ParquetFile(release().folder / "raw/pro-00000-of-00001.parquet")
    group = file.metadata.row_group(0)
    columns = {}
    for number in range(group.num_columns):
        column = group.column(number)
        columns[column.path_in_schema] = column
        assert column.compression == "ZSTD"
        assert column.has_offset_index
        assert column.has_column_index
    assert columns["response"].dictionary_page_offset is None
    assert columns["model"].dictionary_page_offset is not None


def words(source, count):
    return " ".join(source.choices(["alpha", "beta", "gamma", "delta", "epsilon", "zeta"], k=count))


def share_of_common_blocks(old, new):
    """Part of 400 blocks of 64 bytes, evenly drawn from one file, that the other holds too."""
    places = range(0, len(new) - 64, len(new) // 400)
    return sum(new[place : place + 64] in old for place in places) / len(places)


def test_a_dropped_row_moves_only_its_own_chunk(release, monkeypatch):
    source = random.Random(5)
    rows = [row(n, f"{n} {words(source, 20)}", words(source, 600)) for n in range(1500)]
    before = release("before", rows, rows_a_shard=2000)
    rows[40] = row(40, "no")
    after = release("after", rows, rows_a_shard=2000)
    old, new = (
        (made.folder / "filtered/pro-00000-of-00001.parquet").read_bytes()
        for made in (before, after)
    )
    assert share_of_common_blocks(old, new) > 0.7

    writer = pq.ParquetWriter
    monkeypatch.setattr(
        parquet.pq,
        "ParquetWriter",
        lambda *a, **k: writer(*a, **k | {"use_content_defined_chunking": False}),
    )
    plain = release("after", None, into="plain", rows_a_shard=2000)
    old = (plain.folder / "filtered/pro-00000-of-00001.parquet").read_bytes()
    plain = release("before", None, into="plain", rows_a_shard=2000)
    new = (plain.folder / "filtered/pro-00000-of-00001.parquet").read_bytes()
    assert share_of_common_blocks(old, new) < 0.5


def test_no_kept_row_is_refused_with_what_dropped_them(release, contents):
    made = release()
    before = contents(made.folder)
    nobody = {"instruction": {"never": "instruction_length > 999"}, "response": {}}
    with pytest.raises(RunError) as caught:
        release(recipe_=recipe(rules=nobody), rows=None)
    assert caught.value.message == (
        "no row is left for a release: of 10 rows, dropped were never 9, failed 1"
    )
    assert "magpie filter" in caught.value.mend
    assert contents(made.folder) == before


def test_a_selection_of_rows_that_are_gone_is_refused(release, tmp_path):
    release()
    (tmp_path / "run/shards/00002/respond.jsonl").unlink()
    (tmp_path / "run/shards/00002/instruct.jsonl").unlink()
    funnel = {"rows": 10, "kept": 3, "dropped": []}
    shards = Shards(tmp_path / "run/shards", 4)
    selected = Selected(shards, tmp_path / "run/selection.parquet", funnel)
    with pytest.raises(RunError, match="speaks of 10 rows, and the shards hold 8 of them"):
        make_release(tmp_path / "run/release", selected, recipe(), TEMPLATE)


def test_a_full_disk_is_a_storage_error_and_leaves_nothing(release, tmp_path, monkeypatch):
    made = release()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet.SplitWriter, "_open", full)
    with pytest.raises(StorageError, match="No space left on device"):
        release(rows=None)
    assert sorted(path.name for path in made.folder.parent.iterdir()) == [
        "release",
        "selection.parquet",
        "shards",
    ]
