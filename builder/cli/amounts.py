"""Amounts in few digits, as a plan needs no more."""

from __future__ import annotations

from typing import Final

UNITS: Final = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def few_digits(number: float) -> str:
    """A large count in two or three digits: 840, 12 k, 1.2 M, 340 M."""
    for unit, letter in UNITS:
        if number >= 0.9995 * unit:
            return f"{_short(number / unit)} {letter}"
    return f"{number:,.0f}"


def amount_of(number: float) -> str:
    """A quantity in two digits where it is small: 0.012, 0.4, 3.5, 614."""
    if number >= 100 or not number:
        return f"{number:,.0f}"
    return _short(number) if number >= 1 else f"{number:.2g}"


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.1f}"
