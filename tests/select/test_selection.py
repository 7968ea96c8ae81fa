import random
import subprocess
import sys

import polars as pl
import pytest

from builder.errors import RecipeError
from builder.recipe.goal import Goal
from builder.rows import SELECTION
from builder.select.funnel import reasons_of
from builder.select.judged import PARTS, judged
from builder.select.longest import cut_by_longest
from builder.select.selection import Reach, combined, decide, reach, select
from tests.select.tiny_run import recipe, row, write_run

ROWS = [
    row(0, "Tell me a tale"),
    row(1, None),
    row(2, "hi"),
    row(3, "HI", instruction_finish_reason="length"),
    row(4, "tell  me a TALE"),
    row(5, "A terse one", "x"),
    row(6, "No answer yet", None),
    row(7, "Broken", None, response_error="boom"),
    row(8, "a terse one", "long enough"),
    row(9, "TELL me a tale", None),
    row(10, "The last"),
]

REASONS = {
    0: None,
    1: "failed",
    2: "short",
    3: "whole",
    4: "duplicate",
    5: "wordy",
    6: "unanswered",
    7: "failed",
    8: "duplicate",  # of a row that its response dropped later
    9: "duplicate",
    10: None,
}


def selected(folder, rows, changes=None, **how):
    folder.mkdir(parents=True, exist_ok=True)
    shards = write_run(folder, rows, **how)
    funnel = select(shards, recipe(**(changes or {})), folder / "selection.parquet")
    return funnel, pl.read_parquet(folder / "selection.parquet")


def reasons(table):
    return dict(table.select("row", "drop_reason").iter_rows())


def test_reason_of_every_row(tmp_path):
    funnel, table = selected(tmp_path, ROWS)
    assert reasons(table) == REASONS
    assert table.schema == dict(SELECTION)
    twins = table.filter(pl.col("duplicate_of").is_not_null()).select("uuid", "duplicate_of")
    assert list(twins.iter_rows()) == [("u4", "u0"), ("u8", "u5"), ("u9", "u0")]
    assert funnel.to_json() == {
        "rows": 11,
        "dropped": [
            {"reason": "failed", "rows": 2},
            {"reason": "whole", "rows": 1},
            {"reason": "short", "rows": 1},
            {"reason": "duplicate", "rows": 3},
            {"reason": "unanswered", "rows": 1},
            {"reason": "complete", "rows": 0},
            {"reason": "wordy", "rows": 1},
        ],
        "kept": 2,
    }


@pytest.mark.parametrize("seed", range(6))
def test_arrival_order_and_shard_size_change_no_byte(tmp_path, seed):
    selected(tmp_path / "straight", ROWS)
    mixed = random.Random(seed).sample(ROWS, len(ROWS))
    selected(tmp_path / "mixed", mixed, rows_a_shard=1 + seed * 3, complete=bool(seed % 2))
    one, other = (tmp_path / name / "selection.parquet" for name in ("straight", "mixed"))
    assert one.read_bytes() == other.read_bytes()


def test_a_row_dropped_by_a_rule_is_nobodys_first_twin(tmp_path):
    rows = [row(0, "same", instruction_finish_reason="length"), row(1, "same"), row(2, "SAME")]
    _, table = selected(tmp_path, rows)
    assert reasons(table) == {0: "whole", 1: None, 2: "duplicate"}
    assert table["duplicate_of"].to_list() == [None, None, "u1"]


def test_rows_behind_a_gap_are_not_considered(tmp_path):
    rows = [row(n, f"number {n}") for n in (0, 1, 2, 4, 5, 9)]
    assert list(reasons(selected(tmp_path / "a", rows)[1])) == [0, 1, 2]
    assert list(reasons(selected(tmp_path / "b", rows, rows_a_shard=3)[1])) == [0, 1, 2]
    assert list(reasons(selected(tmp_path / "c", rows[1:])[1])) == []


def test_a_shard_that_has_no_folder_is_a_gap(tmp_path):
    rows = [row(n, f"number {n}") for n in (0, 1, 4, 5)]
    assert list(reasons(selected(tmp_path, rows, rows_a_shard=2)[1])) == [0, 1]


def test_no_rows_at_all(tmp_path):
    funnel, table = selected(tmp_path, [])
    assert (funnel.rows, funnel.kept, table.height) == (0, 0, 0)
    assert table.schema == dict(SELECTION)


def test_target_of_kept_rows_ends_at_the_row_that_reaches_it(tmp_path):
    rows = [row(0, "first"), row(1, "no"), row(2, "second"), row(3, "third"), row(4, "fourth")]
    for kept, end in ((1, 1), (2, 3), (3, 4), (4, 5), (5, 5)):
        funnel, table = selected(tmp_path / str(kept), rows, {"target": {"kept": kept}})
        assert table["row"].to_list() == list(range(end))
        assert funnel.kept == min(kept, 4)


def test_target_of_sampled_rows(tmp_path):
    rows = [row(n, f"number {n}") for n in range(6)]
    funnel, table = selected(tmp_path, rows, {"target": {"sampled": 4}})
    assert (funnel.rows, table["row"].to_list()) == (4, [0, 1, 2, 3])


def test_target_counts_before_the_cut(tmp_path):
    rows = [row(n, f"number {n}", "x" * (9 - n)) for n in range(6)]
    changes = {"target": {"kept": 4}, "select": {"longest": 2}}
    funnel, table = selected(tmp_path, rows, changes)
    assert reasons(table) == {0: None, 1: None, 2: "longest", 3: "longest"}
    assert funnel.dropped[-1] == ("longest", 2)


def test_reach(tmp_path):
    shards = write_run(tmp_path, ROWS)
    rows = combined(judged(shards, recipe()))

    def reached(target):
        return reach(rows, Goal(**target))

    assert reached({"kept": 1}) == Reach("target", 1, 1, 0)
    assert reached({"kept": 2}) == Reach("target", 11, 2, 1)
    assert reached({"kept": 3}) == Reach(None, 11, 2, 1)
    assert reached({"sampled": 7}) == Reach("target", 7, 1, 1)
    assert reached({"sampled": 12}) == Reach(None, 11, 2, 1)


def test_only_narrow_columns_stay(tmp_path):
    table = judged(write_run(tmp_path, ROWS), recipe())
    assert table.columns == ["row", "uuid", "key", *PARTS, "embedded", "label", "by"]
    assert table["key"].null_count() == 3
    added = ["first_row", "first_uuid", "drop_reason", "duplicate_of"]
    assert combined(table).columns == [*table.columns, *added]


@pytest.mark.parametrize(
    ("k", "gone"), [(1, [0, 2, 3, 4, 5]), (2, [2, 3, 4, 5]), (3, [3, 4, 5]), (5, [5]), (9, [])]
)
def test_longest_keeps_the_smaller_row_of_equals_and_nulls_last(k, gone):
    rows = pl.DataFrame({"row": range(6), "by": [5, 9, 5, 5, None, None]})
    assert cut_by_longest(rows, k).to_list() == gone


def test_longest_takes_nan_for_null():
    rows = pl.DataFrame({"row": range(4), "by": [float("nan"), None, 0.5, -1.0]})
    assert cut_by_longest(rows, 2).to_list() == [0, 1]
    assert cut_by_longest(rows, 3).to_list() == [1]


def test_longest_by_another_column(tmp_path):
    rows = [row(0, "short one"), row(1, "a much longer one"), row(2, "middle sized")]
    by = {"select": {"longest": 1, "by": "instruction_length"}}
    assert reasons(selected(tmp_path, rows, by)[1]) == {0: "longest", 1: None, 2: "longest"}


def test_a_column_to_cut_by_that_is_not_there(tmp_path):
    with pytest.raises(RecipeError, match=r"select\.by: no column 'length'"):
        selected(tmp_path, ROWS, {"select": {"longest": 1, "by": "length"}})


def test_reasons_of_a_recipe_in_order():
    assert reasons_of(recipe(select={"longest": 3})) == (
        "failed",
        "whole",
        "short",
        "duplicate",
        "unanswered",
        "complete",
        "wordy",
        "longest",
    )


def test_new_rules_select_anew_from_the_same_rows(tmp_path):
    shards = write_run(tmp_path, ROWS)
    loose = recipe(rules={"instruction": {}, "response": {}})
    table = decide(judged(shards, loose), loose)
    assert reasons(table) == REASONS | {2: None, 3: "duplicate", 5: None}


MEMORY = """
import resource, sys
from pathlib import Path
import polars as pl
from tests.select.tiny_run import recipe
from builder.run.shards import STAGES, Shards
from builder.select.selection import select
root, count, size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
for number in range(count if size else 0):
    folder = root / "shards" / f"{number:05d}"
    folder.mkdir(parents=True)
    for stage in ("instruct", "respond"):
        rows = range(number * 500, number * 500 + 500)
        whole = dict.fromkeys(("instruction_finish_reason", "finish_reason"), "stop")
        values = {name: [whole.get(name)] * 500 for name in STAGES[stage]}
        values |= {"row": rows, "uuid": [f"u{n}" for n in rows]}
        if stage == "instruct":
            values |= {"instruction": [f"{n} words" for n in rows], "instruction_length": [9] * 500}
        else:
            values |= {"response": [f"{n:09d}" * size for n in rows]}
            values |= {"response_length": [9 * size] * 500}
        pl.DataFrame(values, schema=STAGES[stage]).write_parquet(folder / f"{stage}.parquet")
if not size:
    funnel = select(Shards(root / "shards", 500), recipe(target={"sampled": 10**6}), root / "s")
    print(funnel.kept, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_texts(tmp_path):
    def run(folder, count, size):
        paths = [str(path) for path in sys.path if path]
        call = [sys.executable, "-c", f"import sys; sys.path[:0] = {paths!r}\n{MEMORY}"]
        call += [str(folder), str(count), str(size)]
        done = subprocess.run(call, check=True, capture_output=True, text=True)
        return [int(word) for word in done.stdout.split()]

    peaks = {}
    for count in (4, 60):  # 2,000 and 30,000 rows of 9 KB: 18 MB and 270 MB of responses
        folder = tmp_path / str(count)
        run(folder, count, 1000)
        kept, peaks[count] = run(folder, count, 0)
        assert kept == count * 500
    assert peaks[60] - peaks[4] < 120_000  # kB
