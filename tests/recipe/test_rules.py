"""Rules as they run: what is checked here is what Polars does with rows."""

import polars as pl
import pytest

from builder.errors import RecipeError
from builder.recipe.rules import compile_rule
from builder.rows import DIFFICULTIES, TASK_CATEGORIES

COLUMNS = {
    "row": pl.Int64(),
    "text": pl.String(),
    "difficulty": DIFFICULTIES,
    "others": pl.List(TASK_CATEGORIES),
}

MANY = "looks at many rows, and a rule sees one row\ncompare the columns of the row itself"

ROWS = pl.DataFrame(
    {
        "row": [0, 1, 2, None],
        "text": ["apple", "pear: 'x'", "", None],
        "difficulty": ["very easy", "medium", "very hard", None],
        "others": [["Math"], [], ["Editing", "Math"], None],
    },
    schema=COLUMNS,
)


@pytest.mark.parametrize(
    ("sql", "kept"),
    [
        ("row >= 1", [1, 2]),
        ("row IS NULL", [3]),
        ("NOT row = 1", [0, 2]),
        ("difficulty >= 'medium'", [1, 2]),
        ("difficulty < 'easy'", [0]),
        ("difficulty BETWEEN 'easy' AND 'hard'", [1]),
        ("difficulty IN ('very easy', 'very hard')", [0, 2]),
        ("difficulty <> 'medium'", [0, 2]),
        ("COALESCE(difficulty, 'medium') = 'medium'", [1, 3]),
        ("CAST(difficulty AS VARCHAR) LIKE 'very%'", [0, 2]),
        ("ARRAY_CONTAINS(others, 'Math')", [0, 2]),
        ("text NOT LIKE '%avg(%' AND LENGTH(text) > 0", [0, 1]),
        ("text LIKE '%''x''' -- over (all)", [1]),
        ("TRY_CAST(text AS INT) IS NULL AND row > 1", [2]),
        ('"row" * 2 > 3', [2]),
        ("CASE difficulty WHEN 'medium' THEN row > 1 ELSE row < 1 END", [0]),
        ("GREATEST(row, 1) = 1 AND row < 2", [0, 1]),
    ],
)
def test_null_counts_as_not_true(sql, kept):
    rule = compile_rule(sql, COLUMNS)

    answers = ROWS.lazy().select(rule).collect().to_series().to_list()

    assert [index for index, answer in enumerate(answers) if answer] == kept
    assert None not in answers


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "is empty\nwrite a condition such as instruction_length > 10"),
        ("ROW > 1", "unknown column ROW\ndid you mean row?"),
        ("difficulty > 'Medium'", "'Medium' is no label of difficulty\ndid you mean 'medium'?"),
        (
            "difficulty IN ('easy', 'tricky')",
            "'tricky' is no label of difficulty\n"
            "write 'very easy', 'easy', 'medium', 'hard', 'very hard'",
        ),
        ("ARRAY_CONTAINS(others, 'Maths')", "'Maths' is no label of others\ndid you mean 'Math'?"),
        (
            "difficulty LIKE 'very%'",
            "\"difficulty LIKE 'very%'\" mixes types\n"
            "compare numbers with numbers and text with 'text in single quotes'",
        ),
        (
            "max(row) > 3",
            f"MAX {MANY}",
        ),
        (
            "SUM(row) OVER () > 3",
            f"SUM {MANY}",
        ),
        (
            "text",
            '"text" is not true or false but text\n'
            "write a condition, such as instruction_length > 10",
        ),
        ("row > 1; DROP", '"row > 1; DROP" is no SQL condition\n'
                          "write one such as instruction_length > 10"),
    ],
)  # fmt: skip
def test_refused_with_the_reason(sql, message):
    with pytest.raises(RecipeError) as error:
        compile_rule(sql, COLUMNS)

    assert str(error.value) == message


def test_every_aggregate_that_polars_knows_is_refused():
    functions = ["COUNT", "SUM", "AVG", "MIN", "MAX", "FIRST", "LAST", "MEDIAN", "STDDEV", "VAR"]

    for function in functions:
        with pytest.raises(RecipeError, match=f"^{function} looks at many rows"):
            compile_rule(f"row > {function}(row)", COLUMNS)
