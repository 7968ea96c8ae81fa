"""Writes the training corpus: one chat a line, made from a seed.

python -m builder.demo_model.training.corpus --chats 120000 --out corpus.jsonl
"""

import argparse
import functools
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from builder.demo_model.training.grammar import Request, kinds, sample_request
from builder.demo_model.training.judging import JUDGES, prompt, sample_judged, verdict
from builder.demo_model.training.templates import mend_articles

SEED = 20261122
JUDGE_SHARE = 0.22
SYSTEM_SHARE = 0.12
FOLLOW_UP_SHARE = 0.05

Chat = dict[str, Any]


def chats(number: int, seed: int = SEED) -> Iterator[Chat]:
    """Write chats; the same seed always gives the same ones."""
    rng = random.Random(seed)
    vocabulary = _vocabulary(random.Random(seed + 1))
    for _ in range(number):
        if rng.random() < JUDGE_SHARE:
            yield _judge_chat(rng, vocabulary)
        else:
            yield _plain_chat(rng)


def instructions(path: Path) -> set[str]:
    """Return every first user turn of a corpus file, judge prompts left out."""
    found: set[str] = set()
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            chat = json.loads(line)
            if "judge" not in chat:
                found.update(t["content"] for t in chat["messages"] if t["role"] == "user")
    return found


def _judge_chat(rng: random.Random, vocabulary: list[str]) -> Chat:
    judge = rng.choice(JUDGES)
    judged = sample_judged(rng, vocabulary)
    asked = prompt(judge).replace("{instruction}", judged.text)
    return {
        "judge": judge,
        "messages": [_turn("user", asked), _turn("assistant", verdict(judge, judged))],
    }


def _plain_chat(rng: random.Random) -> Chat:
    request = sample_request(rng)
    turns = [_turn("user", request.text), _turn("assistant", request.answer)]
    if rng.random() < SYSTEM_SHARE:
        turns.insert(0, _turn("system", _system_turn(rng, request)))
    if request.language == "en" and rng.random() < FOLLOW_UP_SHARE:
        turns += _follow_up(rng, request)
    return {"messages": turns}


def _system_turn(rng: random.Random, request: Request) -> str:
    domain = request.domain if rng.random() < 0.9 else "general"
    template = rng.choice(_conversation()["system"][domain])
    return mend_articles(_drawer(request).fill(template).strip())


def _follow_up(rng: random.Random, request: Request) -> list[dict[str, str]]:
    draw = _drawer(request)
    chosen = rng.choice(_conversation()["follow_ups"])
    texts = [mend_articles(draw.fill(chosen[key])) for key in ("ask", "answer")]
    return [_turn("user", texts[0]), _turn("assistant", texts[1])]


def _drawer(request: Request) -> Any:
    if request.draw is None:
        raise ValueError("the request came without the words it was made of")
    return request.draw


def _turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content.strip()}


def _vocabulary(rng: random.Random) -> list[str]:
    texts = [sample_request(rng, name).text for name in kinds() for _ in range(200)]
    return sorted({word for text in texts for word in text.split()})


@functools.cache
def _conversation() -> dict[str, Any]:
    path = Path(__file__).parent / "conversation.yaml"
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def main() -> None:
    """Write the corpus to a file."""
    parser = argparse.ArgumentParser(description="Write the demo model's training corpus.")
    parser.add_argument("--chats", type=int, default=120_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    with options.out.open("w", encoding="utf-8") as out:
        for chat in chats(options.chats, options.seed):
            out.write(json.dumps(chat, ensure_ascii=False) + "\n")
    sys.stdout.write(f"{options.chats} chats -> {options.out}\n")


if __name__ == "__main__":
    main()
