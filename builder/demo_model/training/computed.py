"""Slots whose values follow from each other: numbers with their sums, words with their order.

A pattern names one of these by its key `make`; every function returns the slots by name.
"""

import random
from collections.abc import Callable

Slots = dict[str, str]

_NAMES = ["Amir", "Bea", "Carl", "Dina", "Erik", "Fay", "Gina", "Hal", "Ida", "Joel", "Kim", "Lars"]
_NAMES += ["Mia", "Ned", "Ola", "Pia", "Rolf", "Sue", "Ted", "Una", "Vic", "Will", "Xena", "Yara"]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_WORDS = ["river", "apple", "garden", "window", "candle", "bridge", "lemon", "forest", "yellow"]
_WORDS += ["island", "number", "orange", "kettle", "harbor", "tunnel", "valley", "ocean", "quiet"]
_WORDS += ["dragon", "engine", "pepper", "silver", "jacket", "mirror", "under", "zebra"]


def purchase(rng: random.Random) -> Slots:
    """A number of things, the price of one and of all."""
    n, price = rng.randint(2, 12), rng.randint(2, 12)
    return _texts(n=n, p=price, total=n * price)


def addition(rng: random.Random) -> Slots:
    """Two summands and their sum."""
    a, b = rng.randint(2, 49), rng.randint(2, 49)
    return _texts(a=a, b=b, total=a + b)


def subtraction(rng: random.Random) -> Slots:
    """A total, the part that goes away and the part that stays."""
    a, b = rng.randint(3, 30), rng.randint(2, 40)
    return _texts(a=a, b=b, total=a + b)


def rectangle(rng: random.Random) -> Slots:
    """Two sides, the area and the perimeter."""
    a, b = rng.sample(range(2, 13), 2)
    return _texts(a=a, b=b, area=a * b, edge=2 * (a + b))


def equation(rng: random.Random) -> Slots:
    """The parts of k * x + a = c."""
    k, x, a = rng.randint(2, 9), rng.randint(2, 9), rng.randint(1, 20)
    return _texts(k=k, x=x, a=a, m=k * x, c=k * x + a)


def percentage(rng: random.Random) -> Slots:
    """A round value and a round share of it."""
    share, value = rng.choice([10, 20, 25, 50]), rng.choice([20, 40, 60, 80, 100, 200, 300, 400])
    part = share * value // 100
    return _texts(q=share, v=value, part=part, rest=value - part)


def journey(rng: random.Random) -> Slots:
    """A speed, a number of hours and the distance."""
    speed, hours = 10 * rng.randint(3, 12), rng.randint(2, 9)
    return _texts(v=speed, h=hours, d=speed * hours)


def statistics(rng: random.Random) -> Slots:
    """A few numbers whose mean is a whole number."""
    count = rng.choice([3, 4, 5])
    values = [rng.randint(1, 12) for _ in range(count - 1)]
    values.append(rng.randint(1, 12))
    values[-1] += -sum(values) % count
    total = sum(values)
    listed = ", ".join(map(str, values))
    return _texts(values=listed, total=total, count=count, mean=total // count)


def order(rng: random.Random) -> Slots:
    """Three names from the first to the last."""
    high, mid, low = rng.sample(_NAMES, 3)
    return _texts(high=high, mid=mid, low=low)


def weekday(rng: random.Random) -> Slots:
    """A day of the week and the day some days later."""
    start, later = rng.randrange(7), rng.randint(2, 12)
    return _texts(today=_DAYS[start], k=later, then=_DAYS[(start + later) % 7])


def table(rng: random.Random) -> Slots:
    """Three rows of a table, the highest, the lowest and the sum."""
    names, numbers = rng.sample(_NAMES, 3), rng.sample(range(2, 60), 3)
    slots = _texts(r=names[0], s=names[1], t=names[2], a=numbers[0], b=numbers[1], c=numbers[2])
    ranked = sorted(zip(numbers, names, strict=True))
    ends = _texts(top=ranked[-1][1], most=ranked[-1][0], bottom=ranked[0][1], least=ranked[0][0])
    return slots | ends | _texts(total=sum(numbers))


def change(rng: random.Random) -> Slots:
    """A value before and after, and the way it went."""
    a, b = (10 * part for part in rng.sample(range(2, 20), 2))
    return _texts(a=a, b=b, d=abs(a - b), went="rose" if b > a else "fell")


def person(rng: random.Random) -> Slots:
    """An age."""
    return _texts(age=rng.randint(18, 79))


def words(rng: random.Random) -> Slots:
    """A few words, as they come and in the order of the alphabet."""
    chosen = rng.sample(_WORDS, rng.choice([3, 4, 5]))
    return {"list": ", ".join(chosen), "sorted": ", ".join(sorted(chosen))}


BINDERS: dict[str, Callable[[random.Random], Slots]] = {
    function.__name__: function
    for function in (
        purchase,
        addition,
        subtraction,
        rectangle,
        equation,
        percentage,
        journey,
        statistics,
        order,
        weekday,
        table,
        change,
        person,
        words,
    )
}
BINDERS["sharing"] = purchase


def _texts(**numbers: int | str) -> Slots:
    return {name: str(value) for name, value in numbers.items()}
