"""Finding the JSON object in what a judge wrote.

    'Sure!\\n```json\\n{"difficulty": "easy",}\\n```'  ->  {"difficulty": "easy"}

Lenient about the form, never about the meaning: where two readings are possible there is none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

Said = Mapping[str, Any]
"""The object that a judge replied with."""

_DECODER: Final = json.JSONDecoder(strict=False)  # models break lines inside of strings

_STRING_OR_COMMA: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"|,(?=\s*[}\]])', re.DOTALL)
"""A whole string, which is left alone, or a comma that nothing follows."""


class UnusableReplyError(ValueError):
    """A reply is no judgement. Its message says in one line what was wrong with it."""


def whole_reply(beginning: str, text: str) -> str:
    """The reply to a question that began it: `beginning` and `text` together.

    A model that took no notice of the beginning and wrote it once more is taken at its word alone.
    """
    anew = re.match(r"\s*(?:```\w*\s*)?", text)
    start = anew.end() if anew else 0
    again = "".join(text[start : start + 2 * len(beginning)].split())
    ignored = beginning and again.startswith("".join(beginning.split()))
    return text if ignored else beginning + text


def object_in(text: str, keys: Sequence[str]) -> Said:
    """The one object in `text` that has all `keys`; repeating it word for word does no harm.

    Raises `UnusableReplyError` where there is none, where two of them differ, and where one of the
    keys stands outside of it: then it may be a quotation, from an instruction that holds one.
    """
    found = list(_objects(_without_idle_commas(text)))
    whole = [said for said, _, _ in found if all(key in said for key in keys)]
    if not whole:
        raise UnusableReplyError(_what_lacks([said for said, _, _ in found], keys))
    if any(other != whole[0] for other in whole):
        raise UnusableReplyError("the reply holds objects that contradict each other")
    around = _around(text, [(start, end) for _, start, end in found])
    if any(json.dumps(key) in around for key in keys):
        raise UnusableReplyError("the reply holds an object and another one in pieces")
    return whole[0]


def _without_idle_commas(text: str) -> str:
    """The text with blanks for commas after a last item. Its length stays the same."""
    start = text.find("{")
    if start < 0:
        return text
    within = _STRING_OR_COMMA.sub(lambda one: " " if one[0] == "," else one[0], text[start:])
    return text[:start] + within


def _objects(text: str) -> Iterator[tuple[Said, int, int]]:
    """All objects with where they begin and end. Inside of an object none is looked for."""
    place = text.find("{")
    while place >= 0:
        try:
            said, end = _DECODER.raw_decode(text, place)
        except RecursionError:  # thousands of brackets: no judgement, and slow to search
            return
        except ValueError:
            end = place + 1
        else:
            yield said, place, end
        place = text.find("{", end)


def _around(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """What stands outside of these spans of the text."""
    ends = [0, *(end for _, end in spans)]
    starts = [*(start for start, _ in spans), len(text)]
    return "\n".join(text[end:start] for end, start in zip(ends, starts, strict=True))


def _what_lacks(found: Sequence[Said], keys: Sequence[str]) -> str:
    """Why none of the objects is the one."""
    partly = [said for said in found if any(key in said for key in keys)]
    if not partly:
        return "the reply holds no whole JSON object with the keys that were asked for"
    missing = [key for key in keys if key not in partly[0]]
    return f"the object lacks {' and '.join(json.dumps(key) for key in missing)}"
