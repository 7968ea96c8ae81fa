"""Turns chats into token numbers and packs them into steps.

A plain chat is learnt in its user and assistant turns. A judge chat is learnt in its answer only:
the judge's prompt must never come out of the bare pre-query template. All judge chats of one step
share the beginning of their prompt, so it is computed once.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from builder.demo_model.training.judging import JUDGES, prompt
from builder.demo_model.training.tokens import BEGIN, HEADER, HEADER_END, PAD, TURN_END, token_id

IGNORED = -100
PLAIN_BATCHES = 3


@dataclass(frozen=True)
class Learnt:
    """The tokens of a chat and, for each, whether it is learnt."""

    ids: list[int]
    marks: list[bool]


@dataclass
class Material:
    """A corpus: plain chats, and judge chats by judge without their common beginning."""

    plain: list[Learnt] = field(default_factory=list)
    judged: dict[str, list[Learnt]] = field(default_factory=dict)
    beginnings: dict[str, list[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    """Token rows with their targets; `before` is what all rows follow on."""

    ids: Tensor
    targets: Tensor
    before: Tensor | None = None


class Reader:
    """Encodes chats with one tokenizer."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.pad = token_id(tokenizer, PAD)

    def ids(self, text: str) -> list[int]:
        """Return the token numbers of a text, special tokens included and no BOS added."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def read(self, corpus: Path) -> Material:
        """Encode a whole corpus."""
        start = BEGIN + HEADER + "user" + HEADER_END + "\n\n"
        material = Material()
        for judge in JUDGES:
            material.beginnings[judge] = self.ids(start + prompt(judge).split("{instruction}")[0])
            material.judged[judge] = []
        with corpus.open(encoding="utf-8") as lines:
            for line in lines:
                self._add(material, json.loads(line))
        return material

    def _add(self, material: Material, chat: dict[str, object]) -> None:
        judge = str(chat.get("judge", ""))
        turns = chat["messages"]
        assert isinstance(turns, list)
        learnt = self._learn(turns, {"assistant"} if judge else {"user", "assistant"})
        if not judge:
            material.plain.append(learnt)
            return
        beginning = material.beginnings[judge]
        # An empty instruction melts into the dashes above it; such a chat is kept whole.
        if learnt.ids[: len(beginning)] != beginning:
            material.plain.append(learnt)
            return
        # The last token of the beginning stays, as it predicts the first one that differs.
        cut = len(beginning) - 1
        material.judged[judge].append(Learnt(learnt.ids[cut:], learnt.marks[cut:]))

    def _learn(self, turns: list[dict[str, str]], roles: set[str]) -> Learnt:
        ids, marks = self.ids(BEGIN), [False]
        for turn in turns:
            head = self.ids(HEADER + turn["role"] + HEADER_END + "\n\n")
            body = self.ids(turn["content"] + TURN_END)
            ids += head + body
            marks += [False] * len(head) + [turn["role"] in roles] * len(body)
        return Learnt(ids, marks)


def steps(material: Material, tokens: int, rng: random.Random, pad: int) -> Iterator[list[Batch]]:
    """Yield the batches of each step of one pass: three plain ones and one of a judge's chats."""
    groups = _by_length(material.plain, tokens, rng)
    judged = {judge: list(chats) for judge, chats in material.judged.items()}
    for chats in judged.values():
        rng.shuffle(chats)
    share = sum(map(len, judged.values())) / max(len(groups), 1)
    owed = 0.0
    for number, start in enumerate(range(0, len(groups), PLAIN_BATCHES)):
        plain = groups[start : start + PLAIN_BATCHES]
        judge = JUDGES[number % len(JUDGES)]
        owed += share * len(plain)
        cases = [judged[judge].pop() for _ in range(min(round(owed), len(judged[judge])))]
        owed -= len(cases)
        batches = [_batch(group, pad) for group in plain]
        if cases:
            before = torch.tensor([material.beginnings[judge][:-1]])
            batches.insert(0, _batch(cases, pad, before))
        yield batches


def _by_length(chats: list[Learnt], tokens: int, rng: random.Random) -> list[list[Learnt]]:
    """Group chats of similar length, so that little is padded, in a random order."""
    order = list(chats)
    rng.shuffle(order)
    groups: list[list[Learnt]] = []
    for start in range(0, len(order), 2000):
        group: list[Learnt] = []
        for chat in sorted(order[start : start + 2000], key=lambda chat: len(chat.ids)):
            if group and (len(group) + 1) * len(chat.ids) > tokens:
                groups.append(group)
                group = []
            group.append(chat)
        groups.append(group)
    # Windows stay in their order: each stretch of the pass sees all lengths.
    window = max(1, round(2000 / (len(chats) / len(groups))))
    for start in range(0, len(groups), window):
        part = groups[start : start + window]
        rng.shuffle(part)
        groups[start : start + window] = part
    return groups


def _batch(chats: list[Learnt], pad: int, before: Tensor | None = None) -> Batch:
    length = max(len(chat.ids) for chat in chats) - 1
    ids = torch.full((len(chats), length), pad)
    targets = torch.full((len(chats), length), IGNORED)
    for row, chat in enumerate(chats):
        wanted = [i if mark else IGNORED for i, mark in zip(chat.ids, chat.marks, strict=True)]
        ids[row, : len(chat.ids) - 1] = torch.tensor(chat.ids[:-1])
        targets[row, : len(chat.ids) - 1] = torch.tensor(wanted[1:])
    return Batch(ids, targets, before)
