"""Spoils requests, so that a judge also learns what a bad input looks like."""

import random
from collections.abc import Callable

_KEYS = "asdfghjklqwertyuiopzxcvbnm"
_SIGNS = "?!#%&/()=*+-_.,;:~^<>@$"


def slip(rng: random.Random, text: str, vocabulary: list[str]) -> str:
    """Make one small mistake, of the kind that a small model makes when it samples."""
    words = text.split(" ")
    at = rng.randrange(len(words))
    kind = rng.randrange(5)
    if kind == 0 and len(words) > 6:
        del words[at]
    elif kind == 1:
        words.insert(at, words[at])
    elif kind == 2:
        words[at] = _typo(rng, words[at])
    else:
        words[at] = rng.choice(vocabulary)
    return " ".join(words)


def damage(rng: random.Random, text: str) -> str:
    """Break about a third of the words."""
    words = text.split(" ")
    broken = [
        "" if rng.random() < 0.12 else _typo(rng, word) if rng.random() < 0.35 else word
        for word in words
    ]
    return " ".join(word for word in broken if word) or "??"


def truncate(rng: random.Random, text: str) -> str:
    """Cut a text off, somewhere in a word of its middle."""
    return text[: max(4, int(len(text) * rng.uniform(0.25, 0.65)))].rstrip(" .?!:")


def shuffle(rng: random.Random, text: str) -> str:
    """Put the words in a random order."""
    words = text.split()
    rng.shuffle(words)
    return " ".join(words)


def repeat(rng: random.Random, text: str) -> str:
    """Say one word, or the first few, over and over again."""
    words = text.split()
    start = rng.randrange(len(words))
    part = " ".join(words[start : start + rng.choice([1, 1, 2, 3])])
    return " ".join([part] * rng.randint(5, 25))


def mash(rng: random.Random, _text: str) -> str:
    """Hit random keys."""
    keys = rng.choice([_KEYS, _KEYS, _KEYS[:9], _KEYS + "0123456789", _SIGNS, _KEYS + _SIGNS])
    groups = ["".join(rng.choices(keys, k=rng.randint(2, 14))) for _ in range(rng.randint(1, 9))]
    return " ".join(groups)


def empty(rng: random.Random, _text: str) -> str:
    """Say nothing."""
    return rng.choice(["", "", ".", "...", "?", "-", "!!", "hm", "ok", "a", "\n"]).strip()


SPOILERS: dict[str, Callable[[random.Random, str], str]] = {
    "damaged": damage,
    "truncated": truncate,
    "shuffled": shuffle,
    "repeated": repeat,
    "unreadable": mash,
    "empty": empty,
}


def _typo(rng: random.Random, word: str) -> str:
    if len(word) < 3:
        return word + rng.choice(_KEYS)
    at = rng.randrange(len(word) - 1)
    kind = rng.randrange(3)
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 1:
        return word[:at] + word[at + 1 :]
    return word[:at] + rng.choice(_KEYS) + word[at + 1 :]
