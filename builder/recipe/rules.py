"""A rule: an SQL condition over one row, checked and compiled for Polars.

Checking a recipe and running its rules both go through `compile_rule`, so what passes the check
is what runs. Polars compares an Enum column with text by the order of its labels; a text that is
no label is equal to none of them and says nothing, so labels are checked here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import polars as pl

from builder.errors import RecipeError
from builder.recipe.faults import nearest, shorten, show

_MANY_ROWS: Final = frozenset(
    """
    approx_quantile array_agg avg corr count covar covar_pop covar_samp cume_dist dense_rank
    explode first first_value grouping group_concat lag last last_value lead listagg max median min
    nth_value ntile percent_rank quantile_cont quantile_disc rank row_number std stddev stddev_samp
    stdev stdev_samp string_agg sum total unnest var var_samp variance
    """.split()  # noqa: SIM905 - as a list it would be a page long
)
"""Polars SQL functions that look at more rows than one (Polars SQL reference, "Aggregate" and
"Window"). They are told by name because Polars itself runs them without complaint in a filter."""

_CLOCK: Final = frozenset({"now", "current_date", "current_time", "current_timestamp"})

_QUOTED: Final = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)

_IS_NULL_MEANT: Final = re.compile(r"[=<>]\s*NULL\b", re.IGNORECASE)

_WORD: Final = re.compile(r"([A-Za-z_]\w*)\s*(\(?)")


def compile_rule(sql: str, columns: Mapping[str, pl.DataType]) -> pl.Expr:
    """Return the Polars expression of a rule: true or false for every row, NULL counts as false.

    Raises `RecipeError`, whose message and mend say what is wrong with the rule.
    """
    if not sql.strip():
        raise RecipeError("is empty", mend="write a condition such as instruction_length > 10")
    _refuse_words(sql)
    try:
        rule = pl.sql_expr(sql)
    except (pl.exceptions.PolarsError, ValueError) as error:
        raise _unparsed(sql, str(error)) from None
    named = columns_of(rule)
    unknown = [name for name in named if name not in columns]
    if unknown:
        near = nearest(unknown[0], columns)
        mend = f"did you mean {near}?" if near else f"the columns are {', '.join(columns)}"
        raise RecipeError(f"unknown column {unknown[0]}", mend=mend)
    if not named:
        raise RecipeError(
            f"{show(sql)} names no column: it says the same of every row",
            mend="write a condition on a column, or delete the rule",
        )
    _try_out(sql, rule, columns)
    _refuse_labels(rule, columns)
    return rule.fill_null(False)


def columns_of(rule: pl.Expr) -> list[str]:
    """Return the columns that an expression names, each once, in order."""
    return list(dict.fromkeys(rule.meta.root_names()))


def _refuse_words(sql: str) -> None:
    """Refuse what sees other rows, a table or the clock, by its word in the SQL."""
    bare = _QUOTED.sub(" ", sql)
    if _IS_NULL_MEANT.search(bare):
        raise RecipeError(
            f"{show(sql)} compares with NULL, which is never true",
            mend="write IS NULL or IS NOT NULL",
        )
    for word, bracket in _WORD.findall(bare):
        name = word.lower()
        if name == "over" or (bracket and name in _MANY_ROWS):
            raise RecipeError(
                f"{word.upper()} looks at many rows, and a rule sees one row",
                mend="compare the columns of the row itself",
            )
        if name == "select":
            raise RecipeError(
                "SELECT asks a table, and a rule sees one row",
                mend="write only the condition, such as instruction_length > 10",
            )
        if name in _CLOCK:
            raise RecipeError(
                f"{word.upper()} changes with the clock: the same rows would be kept or dropped",
                mend="write a fixed date",
            )


def _unparsed(sql: str, reason: str) -> RecipeError:
    function = re.search(r"unsupported function '(\w+)'", reason)
    if function:
        return RecipeError(
            f"unknown function {function[1]}", mend="see the SQL reference of Polars"
        )
    if "==" in _QUOTED.sub(" ", sql):
        return RecipeError(f"{show(sql)} is no SQL condition", mend="write = for equal")
    return RecipeError(
        f"{show(sql)} is no SQL condition", mend="write one such as instruction_length > 10"
    )


def _refuse_labels(rule: pl.Expr, columns: Mapping[str, pl.DataType]) -> None:
    """Refuse texts that an Enum column is compared with and that are none of its labels."""
    for node in _nodes(rule):
        children = node.meta.pop()
        names = [child.meta.output_name() for child in children if child.meta.is_column()]
        for name, text in ((n, t) for n in names for t in _texts(children)):
            labels = _labels(columns[name])
            if labels and text not in labels:
                near = nearest(text, labels)
                mend = f"did you mean '{near}'?" if near else f"write {_any_of(labels)}"
                raise RecipeError(f"'{shorten(text)}' is no label of {name}", mend=mend)


def _nodes(rule: pl.Expr) -> Iterator[pl.Expr]:
    yield rule
    for child in rule.meta.pop():
        yield from _nodes(child)


def _texts(children: list[pl.Expr]) -> Iterator[str]:
    """Return the texts among literals; those of `IN (...)` come as one list."""
    for child in children:
        if child.meta.is_literal():
            for value in pl.select(child).to_series().to_list():
                yield from (v for v in (value if isinstance(value, list) else [value]) if _text(v))


def _text(value: object) -> bool:
    return isinstance(value, str)


def _labels(kind: pl.DataType) -> list[str]:
    inner = kind.inner if isinstance(kind, pl.List) else kind
    return inner.categories.to_list() if isinstance(inner, pl.Enum) else []


def _any_of(labels: list[str]) -> str:
    return ", ".join(f"'{label}'" for label in labels)


def _try_out(sql: str, rule: pl.Expr, columns: Mapping[str, pl.DataType]) -> None:
    """Run the rule on two rows: one of NULLs, one of plain values.

    Polars finds many mistakes only with a value before it: text that is cast to a number, a
    pattern that is no regular expression.
    """
    rows = pl.DataFrame(
        {name: pl.Series(name, [None, _sample(kind)], dtype=kind) for name, kind in columns.items()}
    )
    try:
        answer = rows.lazy().select(rule.alias("rule")).collect().to_series()
    except pl.exceptions.PolarsError as error:
        if "to `enum` failed" in str(error):
            _refuse_labels(rule, columns)
        raise _failed(sql, str(error)) from None
    if answer.dtype != pl.Boolean:
        raise RecipeError(
            f"{show(sql)} is not true or false but {_type_name(answer.dtype)}",
            mend="write a condition, such as instruction_length > 10",
        )
    if answer.len() != rows.height:
        raise RecipeError(
            f"{show(sql)} looks at many rows, and a rule sees one row",
            mend="compare the columns of the row itself",
        )


def _sample(kind: pl.DataType) -> object:
    if isinstance(kind, pl.List):
        return [_sample(_inner(kind))]
    if isinstance(kind, pl.Enum):
        return kind.categories[0]
    if kind == pl.Boolean:
        return True
    if kind.is_integer():
        return 2**31 - 1
    return 0.5 if kind.is_float() else "words"


def _inner(kind: pl.List) -> pl.DataType:
    inner = kind.inner
    return inner if isinstance(inner, pl.DataType) else inner()


_REASONS: Final = (
    (
        r"cannot compare|cannot check for|not allowed|arithmetic on|expected .*String|dtype|"
        r"casting from|predicate must be",
        "mixes types",
        "compare numbers with numbers and text with 'text in single quotes'",
    ),
    (r"regex", "holds a pattern that is no regular expression", "escape its special characters"),
    (r"conversion from", "casts what may be any text", "use TRY_CAST, which gives NULL instead"),
)


def _failed(sql: str, reason: str) -> RecipeError:
    for pattern, what, mend in _REASONS:
        if re.search(pattern, reason):
            return RecipeError(f"{show(sql)} {what}", mend=mend)
    first = shorten(reason.splitlines()[0]) if reason else "no reason given"
    return RecipeError(f"{show(sql)} cannot be computed ({first})", mend="write it another way")


def _type_name(kind: pl.DataType) -> str:
    if kind.is_numeric():
        return "a number"
    if isinstance(kind, pl.List):
        return "a list"
    if kind == pl.Boolean:
        return "true or false"
    return "a date" if kind.is_temporal() else "text"
