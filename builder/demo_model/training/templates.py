"""Fills sentence templates with words.

Three marks, which may be nested:

- `{hero}` draws once from the list `hero` and keeps the value: an answer names the same hero.
  `{hero#2}` is a second hero, different from the first; `{topic.fact}` is a field of a record.
- `{hero|cap}` changes the first letter to upper case, `{hero|low}` to lower case.
- `[[a|b|c]]` is one of the three, drawn anew at each place.

    Draw(Random(1), {"hero": ["a cook", "a nurse"]}).fill("[[Draw|Paint]] {hero}.")
    -> "Paint a cook."
"""

import random
import re
from collections.abc import Mapping, Sequence

Word = str | Mapping[str, object]

_CHOICE = re.compile(r"\[\[(?!\[)((?:(?!\[\[|\]\]).)*)\]\]", re.DOTALL)
_SLOT = re.compile(r"\{([a-z_]+)(#\d)?(?:\.([a-z_]+))?(?:\|(cap|low))?\}")
_A_BEFORE_VOWEL = re.compile(r"\b([Aa]) (?=[aeiouAEIO](?!ni[cftqv]|s[aeu]|ne\b|ne-|uro))")


class Draw:
    """The words chosen for one chat; templates filled by the same object agree with each other."""

    def __init__(
        self,
        rng: random.Random,
        lists: Mapping[str, Sequence[Word]],
        bound: Mapping[str, Word] | None = None,
    ) -> None:
        self.rng = rng
        self._lists = lists
        self._bound: dict[str, Word] = dict(bound or {})

    def fill(self, template: str) -> str:
        """Return the template with every choice and every slot replaced by words."""
        while match := _CHOICE.search(template):
            options = match.group(1).split("|")
            # A slot's own `|cap` must not be cut in two: rejoin pieces until the braces balance.
            options = _rejoin(options)
            template = (
                template[: match.start()] + self.rng.choice(options) + template[match.end() :]
            )
        return _SLOT.sub(self._slot, template)

    def bind(self, name: str, value: str) -> None:
        """Fix the value of a slot, for what was computed rather than drawn."""
        self._bound[name] = value

    def _slot(self, match: re.Match[str]) -> str:
        name, number, field, change = match.groups()
        key = name + (number or "")
        if key not in self._bound:
            self._bound[key] = self._draw(name)
        value = self._bound[key]
        if field:
            value = self._field(key, field)
        if not isinstance(value, str):
            raise TypeError(f"slot {match.group(0)} holds a record: name one of its fields")
        if change == "cap":
            return value[:1].upper() + value[1:]
        return value[:1].lower() + value[1:] if change == "low" else value

    def _draw(self, name: str) -> Word:
        if name not in self._lists:
            raise KeyError(f"no list of words is called {name!r}")
        used = [value for key, value in self._bound.items() if key.split("#")[0] == name]
        for _ in range(50):
            word = self.rng.choice(self._lists[name])
            value = self.fill(word) if isinstance(word, str) else word
            if value not in used:
                return value
        raise ValueError(f"the list {name!r} has too few different words")

    def _field(self, key: str, field: str) -> str:
        kept = f"{key}.{field}"
        if kept not in self._bound:
            record = self._bound[key]
            if isinstance(record, str):
                raise TypeError(f"slot {key!r} is no record, so it has no field {field!r}")
            value = record[field]
            chosen = self.rng.choice(value) if isinstance(value, list) else value
            self._bound[kept] = self.fill(str(chosen))
        value = self._bound[kept]
        return str(value)


def mend_articles(text: str) -> str:
    """Turn `a apple` into `an apple`; for English only."""
    return _A_BEFORE_VOWEL.sub(r"\1n ", text)


def _rejoin(pieces: list[str]) -> list[str]:
    joined: list[str] = []
    for piece in pieces:
        if joined and joined[-1].count("{") > joined[-1].count("}"):
            joined[-1] += "|" + piece
        else:
            joined.append(piece)
    return joined
