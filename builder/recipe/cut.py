"""Cutting a rendered conversation at the user's words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from builder.errors import TemplateError
from builder.recipe.chat_template import ChatTemplate, Message, RefusedError

USER: Final = "MagpieUserWords7Q"
ANSWER: Final = "MagpieAnswerWords4K"
AGAIN: Final = "MagpieSecondWords9Z"
SYSTEM: Final = "MagpieSystemWords2V"
"""Markers: letters of both cases and a digit, which no template has a reason to change."""

_BY_HAND: Final = "give template.pre_query in the recipe"

Content = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Cut:
    """A prompt cut at the user's words, and what the template writes between later turns.

    `before` + user's words + `after` asks for an answer. `to_answer` stands between the user's
    words and an answer in a whole conversation, `to_user` between that answer and the next words
    of the user; both are '' where the template renders no such conversation.
    """

    before: str
    after: str
    to_answer: str
    to_user: str
    trims: bool


def cut_prompt(chat: ChatTemplate, source: str, system: str | None) -> Cut:
    """Render a marker as the user's message and cut there. Raises `TemplateError`."""
    content = _content(chat, source)
    if system is not None:
        _check_system(chat, source, content)
    turns = [_turn("system", content(system))] if system is not None else []
    turns.append(_turn("user", content(USER)))
    before, after = _halves(_render(chat, turns, source), source)
    to_answer, to_user = _between(chat, turns, content)
    if _ignores_prompt(chat, turns) and to_answer.startswith(after):
        after = _with_header(after, to_answer)
    return Cut(before, after, to_answer, to_user, _trims(chat, content))


def _content(chat: ChatTemplate, source: str) -> Content:
    """Find out whether the template takes a message as text or as a list of parts."""
    try:
        text = chat.render([_turn("user", USER)], prompt=True)
        refusal = None
    except RefusedError as error:
        text, refusal = "", str(error)
    if USER in text:
        return _as_text
    try:
        if USER in chat.render([_turn("user", _as_parts(USER))], prompt=True):
            return _as_parts
    except RefusedError:
        pass  # what it said of the plain text is of more use
    if refusal is not None:
        raise TemplateError(
            f"the chat template of {source} refuses a single user message: {refusal}",
            mend=_BY_HAND,
        )
    changed = USER.lower() in text.lower()
    raise TemplateError(
        f"the chat template of {source} "
        + ("changes the letters of the user's words" if changed else "leaves the user's words out"),
        mend=_BY_HAND,
    )


def _check_system(chat: ChatTemplate, source: str, content: Content) -> None:
    turns = [_turn("system", content(SYSTEM)), _turn("user", content(USER))]
    try:
        text = chat.render(turns, prompt=True)
    except RefusedError as error:
        raise TemplateError(
            f"the chat template of {source} refuses a system turn: {error}",
            mend="leave instruction.system out, or write it into template.pre_query",
        ) from error
    before, found, _ = text.partition(USER)
    if found and SYSTEM not in before:
        where = "after the user's words" if SYSTEM in text else "nowhere"
        raise TemplateError(
            f"the chat template of {source} writes the system turn {where}",
            mend="leave instruction.system out, or write it into template.pre_query",
        )


def _render(chat: ChatTemplate, turns: list[Message], source: str) -> str:
    try:
        return chat.render(turns, prompt=True)
    except RefusedError as error:
        raise TemplateError(
            f"the chat template of {source} refuses these turns: {error}", mend=_BY_HAND
        ) from error


def _halves(text: str, source: str) -> tuple[str, str]:
    """Cut at the marker. Twice is no place to cut: the words are not known before they are said."""
    times = text.count(USER)
    if times != 1:
        seen = f"writes the user's words {times} times" if times else "leaves the user's words out"
        raise TemplateError(f"the chat template of {source} {seen}", mend=_BY_HAND)
    before, _, after = text.partition(USER)
    return before, after


def _between(chat: ChatTemplate, turns: list[Message], content: Content) -> tuple[str, str]:
    """Return what stands between the turns of a longer conversation, '' where it is refused."""
    longer = [*turns, _turn("assistant", content(ANSWER)), _turn("user", content(AGAIN))]
    try:
        text = chat.render(longer)
    except RefusedError:
        return "", ""
    _, _, rest = text.partition(USER)
    to_answer, answered, rest = rest.partition(ANSWER)
    to_user, again, _ = rest.partition(AGAIN)
    return (to_answer if answered else ""), (to_user if again else "")


def _ignores_prompt(chat: ChatTemplate, turns: list[Message]) -> bool:
    """Tell whether the template renders the same with and without a place for the answer."""
    try:
        return chat.render(turns, prompt=True) == chat.render(turns, prompt=False)
    except RefusedError:
        return False


def _with_header(after: str, to_answer: str) -> str:
    """Add the assistant's header that a template writes only in front of an answer.

    A single space before the answer is not part of it: models that read text in pieces that begin
    with a space (Llama 2, Vicuna) were trained to write that space themselves.
    """
    return to_answer.rstrip(" ") if to_answer[len(after) :].strip() else after


def _trims(chat: ChatTemplate, content: Content) -> bool:
    try:
        text = chat.render([_turn("user", content(f"\n {USER}\n "))], prompt=True)
    except RefusedError:
        return False
    return f"\n {USER}\n " not in text


def _turn(role: str, content: object) -> Message:
    return {"role": role, "content": content}


def _as_text(text: str) -> object:
    return text


def _as_parts(text: str) -> object:
    return [{"type": "text", "text": text}]
