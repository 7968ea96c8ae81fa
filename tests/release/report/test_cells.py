import polars as pl
import pytest

from builder.release.report import cells as subject
from builder.release.report.cells import cells

ROWS = pl.DataFrame(
    {
        "instruction": ["one", None, "three"],
        "difficulty": pl.Series(["hard", None, "easy"], dtype=pl.Enum(["easy", "hard"])),
        "refusal": [True, False, None],
        "language": ["DE", "EN", "EN"],
        "reward": [0.5, float("nan"), float("inf")],
        "messages": [[{"role": "user", "content": "one"}], None, None],
        "other": [["Math"], [], None],
    }
)
COLUMNS = [
    {"name": name, "meaning": f"what {name} means", "type": "", "labels": labels}
    for name, labels in (
        ("instruction", []),
        ("difficulty", ["easy", "hard"]),
        ("refusal", []),
        ("language", []),
        ("reward", []),
        ("messages", []),
        ("other", []),
        ("nowhere", []),
    )
]


def test_values_are_lists_and_labels_are_positions():
    told = cells(ROWS, COLUMNS)
    assert told.values == {
        "instruction": ["one", None, "three"],
        "difficulty": [1, None, 0],
        "refusal": [1, 0, None],
        "language": [1, 0, 0],
        "reward": [0.5, None, None],
        "other": [["Math"], [], None],
    }


def test_columns_have_a_kind_and_their_labels_an_order():
    told = cells(ROWS, COLUMNS)
    assert [(one["name"], one["kind"], one["labels"]) for one in told.columns] == [
        ("instruction", "text", []),
        ("difficulty", "label", ["easy", "hard"]),
        ("refusal", "label", ["false", "true"]),
        ("language", "label", ["EN", "DE"]),
        ("reward", "number", []),
        ("other", "value", []),
    ]
    assert told.columns[0]["meaning"] == "what instruction means"


def test_a_long_text_is_cut_and_its_length_told():
    rows = ROWS.with_columns(instruction=pl.Series(["x" * 30_000, None, "y" * 20_000]))
    told = cells(rows, COLUMNS)
    assert told.values["instruction"] == ["x" * 20_000, None, "y" * 20_000]
    assert told.cut == {"instruction": {0: 30_000}}


def test_many_long_texts_are_cut_shorter(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(subject, "BUDGET", 8_000)
    rows = ROWS.with_columns(instruction=pl.Series(["x" * 30_000, "y" * 3_000, "z"]))
    told = cells(rows, COLUMNS)
    assert told.longest == 2_000
    assert told.cut == {"instruction": {0: 30_000, 1: 3_000}}


def test_no_rows_are_no_fault():
    told = cells(ROWS.clear(), COLUMNS)
    assert told.values["instruction"] == []
    assert told.cut == {}
