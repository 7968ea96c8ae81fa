import base64
import random
import struct

import polars as pl
import pytest

from builder.recipe.annotators import stages
from builder.run.shards import Shards
from builder.select.near import NEIGHBOURS_FILE
from builder.select.selection import select
from tests.select.tiny_run import recipe, row


def near(**changes):
    options = changes.pop("neighbours", {})
    annotate = {"embedding": {}, "neighbours": options, **changes.pop("annotate", {})}
    return recipe(**({"annotate": annotate, "rules": {}} | changes))


def write(folder, places, wanted, order=None, rows_a_shard=4):
    """A run whose rows lie at these places on a line; None: the embedding failed.

    A row is (instruction, place, response); a place that is left out was never asked for.
    """
    shards = Shards(folder / "shards", rows_a_shard, stages(wanted))
    stage = next(name for name in shards.stages if name.startswith("embedding"))
    for number in order or range(len(places)):
        instruction, place, response = places[number]
        instruct, respond = row(number, instruction, response)
        records = {"instruct": instruct, "respond": respond}
        if place != "never":
            records[stage] = {"row": number, "uuid": f"u{number}", **vector(place)}
        for name, record in records.items():
            if record is not None:
                with shards.of_row(number).open_journal(name) as journal:
                    journal.append(record)
    return shards


def vector(place):
    if place is None:
        return {"embedding_error": "no direction"}
    return {"embedding": base64.b64encode(struct.pack("<2f", place, 0.0)).decode()}


def selected(folder, places, wanted, **how):
    folder.mkdir(exist_ok=True)
    shards = write(folder, places, wanted, **how)
    funnel = select(shards, wanted, folder / "selection.parquet")
    table = pl.read_parquet(folder / "selection.parquet")
    beside = folder / NEIGHBOURS_FILE
    return funnel, table, pl.read_parquet(beside) if beside.exists() else None


def reasons(table):
    return dict(table.select("row", "drop_reason").iter_rows())


CHAIN = [
    ("zero", 0.0, "fine"),
    ("half", 0.5, "fine"),
    ("one", 1.0, "fine"),
    ("ONE", 1.0, None),
    ("three", 3.0, "fine"),
    ("failed", None, None),
    ("three too", 3.0, "fine"),
]


def test_of_a_chain_every_other_stands_and_each_twin_names_who_it_fell_to(tmp_path):
    wanted = near(neighbours={"drop_within": 0.25})
    funnel, table, _ = selected(tmp_path, CHAIN, wanted)
    assert reasons(table) == {
        0: None,
        1: "near-duplicate",
        2: None,
        3: "duplicate",
        4: None,
        5: "unjudged",
        6: "near-duplicate",
    }
    assert table["duplicate_of"].to_list() == [None, "u0", None, "u2", None, None, "u4"]
    assert funnel.neighbours == {"rows": 5, "exact": True, "recall": None}


def test_vectors_that_only_inform_drop_nothing(tmp_path):
    places = [CHAIN[0], ("failed", None, "fine"), CHAIN[1]]
    _, table, found = selected(tmp_path, places, near())
    assert reasons(table) == {0: None, 1: None, 2: None}
    assert found.select("row", "min_neighbor_distance").rows() == [(0, 0.25), (2, 0.25)]


@pytest.mark.parametrize("place", [1.0, "never"])
def test_an_exact_twin_is_no_neighbour_whether_or_not_it_was_embedded(tmp_path, place):
    """Whether it was hangs on whether it came before the row that it repeats."""
    places = [("one", 1.0, "fine"), ("ONE", place, None), ("two", 2.0, "fine")]
    _, table, found = selected(tmp_path, places, near())
    assert reasons(table) == {0: None, 1: "duplicate", 2: None}
    assert found.rows() == [(0, "u0", 1.0, 0, None), (2, "u2", 1.0, 0, None)]


def test_where_everything_is_asked_of_all_rows_exact_twins_count(tmp_path):
    places = [("one", 1.0, "fine"), ("ONE", 1.0, "fine"), ("two", 2.0, "fine")]
    _, table, found = selected(tmp_path, places, near(respond="all"))
    assert reasons(table) == {0: None, 1: "duplicate", 2: None}
    assert found.rows() == [
        (0, "u0", 0.0, 1, "u1"),
        (1, "u1", 0.0, 1, "u0"),
        (2, "u2", 1.0, 0, None),
    ]


def test_the_cut_can_be_made_by_what_all_rows_together_tell(tmp_path):
    wanted = near(select={"longest": 2, "by": "min_neighbor_distance"})
    places = [(f"at {place}", place, "fine") for place in (0.0, 0.5, 4.0, 9.0)]
    _, table, _ = selected(tmp_path, places, wanted)
    assert reasons(table) == {0: "longest", 1: "longest", 2: None, 3: None}


def test_a_rule_on_neighbours_is_asked_of_those_that_are_left(tmp_path):
    rules = {"response": {"whole": "finish_reason = 'stop'", "far": "min_neighbor_distance > 0.3"}}
    places = [(f"at {place}", place, "fine") for place in (0.0, 0.5, 4.0, 9.0)]
    _, table, _ = selected(tmp_path, places, near(rules=rules))
    assert reasons(table) == {0: "far", 1: "far", 2: None, 3: None}


def test_a_row_that_is_dropped_before_near_twins_takes_nobody_with_it(tmp_path):
    wanted = near(
        neighbours={"drop_within": 0.25}, rules={"instruction": {"long": "instruction_length > 2"}}
    )
    places = [("a", "never", None), ("abc", 0.0, "fine"), ("abcd", 0.1, None)]
    _, table, _ = selected(tmp_path, places, wanted)
    assert reasons(table) == {0: "long", 1: None, 2: "near-duplicate"}


def test_a_row_that_its_response_dropped_still_takes_its_near_twins_with_it(tmp_path):
    wanted = near(
        neighbours={"drop_within": 0.25}, rules={"response": {"wordy": "response_length > 2"}}
    )
    places = [("abc", 0.0, "no"), ("abcd", 0.1, None)]
    assert reasons(selected(tmp_path, places, wanted)[1]) == {0: "wordy", 1: "near-duplicate"}


@pytest.mark.parametrize("seed", range(5))
def test_neither_the_order_of_arrival_nor_the_size_of_a_shard_changes_a_byte(tmp_path, seed):
    chance = random.Random(seed)
    places = [(f"row {n}", chance.randrange(60) / 4, "fine") for n in range(40)]
    wanted = near(neighbours={"drop_within": 0.25})
    selected(tmp_path / "straight", places, wanted)
    order = chance.sample(range(40), 40)
    selected(tmp_path / "mixed", places, wanted, order=order, rows_a_shard=3 + 2 * seed)
    for name in ("selection.parquet", NEIGHBOURS_FILE):
        one, other = (tmp_path / folder / name for folder in ("straight", "mixed"))
        assert one.read_bytes() == other.read_bytes()


def test_no_rows_at_all(tmp_path):
    funnel, table, found = selected(tmp_path, [], near(neighbours={"drop_within": 0.0}))
    assert (funnel.rows, table.height, found) == (0, 0, None)
