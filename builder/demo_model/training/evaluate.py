"""Measures the shipped model through llama.cpp and prints the figures of the model card.

python -m builder.demo_model.training.evaluate --corpus FOLDER/corpus.jsonl
"""

import argparse
import json
import random
import statistics
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from builder.demo_model.training import corpus
from builder.demo_model.training.grammar import sample_request
from builder.demo_model.training.judging import JUDGES, QUALITY, prompt
from builder.demo_model.training.noise import SPOILERS
from builder.demo_model.training.sampling import PRE_QUERY, REPLY, Completion, Sampler
from builder.rows import DIFFICULTIES, TASK_CATEGORIES

FOLDER = Path(__file__).parents[1]
TAGS = tuple(TASK_CATEGORIES.categories)
LEVELS = tuple(DIFFICULTIES.categories)
REPLIES: dict[str, tuple[set[str], str, tuple[str, ...]]] = {
    "quality": ({"explanation", "input_quality"}, "input_quality", QUALITY),
    "difficulty": ({"intent", "knowledge", "difficulty"}, "difficulty", LEVELS),
    "category": ({"primary_tag", "other_tags"}, "primary_tag", TAGS),
}
_SPANISH = {"qué", "cómo", "el", "una", "para", "con", "los", "soy", "tengo", "y", "escribe"}
_GERMAN = {"ich", "und", "der", "die", "ein", "eine", "wie", "was", "für", "über", "am", "bin"}


def measure(sampler: Sampler, known: set[str], number: int) -> tuple[dict[str, Any], list[Any]]:
    """Return the figures by name, and the instructions with their responses."""
    drawn = sampler.complete([PRE_QUERY] * number, 256, temperature=1.0, seed=1)
    texts = [one.text for one in drawn]
    answers = sampler.complete([PRE_QUERY + text + REPLY for text in texts], 400)
    lengths = sorted(len(text.split()) for text in texts)
    figures: dict[str, Any] = {
        "instructions": number,
        "distinct %": _percent(len(set(texts)), number),
        "word for word in the corpus %": _percent(sum(t in known for t in texts), number),
        "instructions ended %": _ended(drawn),
        "responses ended %": _ended(answers),
        "words: mean": round(statistics.mean(lengths), 1),
        "words: 10th, 50th, 90th percentile, most": [
            *(lengths[number * share // 100] for share in (10, 50, 90)),
            lengths[-1],
        ],
        "languages %": {
            name: _percent(sum(language(text) == name for text in texts), number)
            for name in ("en", "es", "de")
        },
    }
    for judge in JUDGES:
        figures[f"judge {judge}"] = judge_all(sampler, judge, texts)
    figures["judge quality of spoiled requests"] = judge_spoiled(sampler)
    pairs = [[text, answer.text] for text, answer in zip(texts, answers, strict=True)]
    return figures, pairs


def judge_all(sampler: Sampler, judge: str, texts: list[str]) -> dict[str, Any]:
    """Ask a judge about every text; return the share of valid replies and the labels."""
    asked = [PRE_QUERY + prompt(judge).replace("{instruction}", text) + REPLY for text in texts]
    labels = [read_label(judge, reply.text) for reply in sampler.complete(asked, 200)]
    spread = Counter(label for label in labels if label)
    valid = _percent(sum(label is not None for label in labels), len(labels))
    return {"valid %": valid, "labels": dict(spread.most_common())}


def judge_spoiled(sampler: Sampler, each: int = 25) -> dict[str, Any]:
    """Ask for the quality of spoiled requests, by the way in which they were spoiled."""
    rng = random.Random(99)
    return {
        name: judge_all(
            sampler, "quality", [spoil(rng, sample_request(rng).text) for _ in range(each)]
        )
        for name, spoil in SPOILERS.items()
    }


def read_label(judge: str, reply: str) -> str | None:
    """Return the label of a judge's reply, or None if it is not the JSON that was asked for."""
    try:
        content = json.loads(reply)
    except json.JSONDecodeError:
        return None
    keys, label, labels = REPLIES[judge]
    if not isinstance(content, dict) or set(content) != keys or content[label] not in labels:
        return None
    return str(content[label])


def language(text: str) -> str:
    """Guess the language by its small words: the model writes only three."""
    words = set(text.lower().replace("¿", "").replace(",", "").split())
    spanish, german = len(words & _SPANISH), len(words & _GERMAN)
    if max(spanish, german) < 2 and not set("¿ñäöüß") & set(text.lower()):
        return "en"
    return "es" if spanish > german or "¿" in text else "de"


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1)


def _ended(completions: list[Completion]) -> float:
    return _percent(sum(one.ended for one in completions), len(completions))


def main() -> None:
    """Print the figures as JSON, and some samples."""
    parser = argparse.ArgumentParser(description="Measure the demo model through llama.cpp.")
    parser.add_argument("--model", type=Path, default=FOLDER)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--number", type=int, default=1000)
    parser.add_argument("--samples", type=int, default=10)
    options = parser.parse_args()
    known = corpus.instructions(options.corpus)
    figures, pairs = measure(Sampler(options.model), known, options.number)
    sys.stdout.write(json.dumps(figures, indent=2, ensure_ascii=False) + "\n")
    for instruction, response in pairs[: options.samples]:
        sys.stdout.write(f"\n--- {instruction}\n>>> {response}\n")


if __name__ == "__main__":
    main()
