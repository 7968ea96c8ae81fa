"""Rows that every annotator has judged, so that a release of them has every plot there is."""

import random

from builder.recipe.annotators import outputs
from tests.release.annotated import quality, vector
from tests.select.tiny_run import recipe, row

ROWS_OF_A_SPLIT = 110

MODEL = "http://localhost:9"
ANNOTATE = {
    "embedding": {},
    "neighbours": {"within": 0.05},
    "quality": {},
    "difficulty": {},
    "category": {},
    "language": {"among": ["EN", "DE", "FR", "ES"]},
    "refusal": {},
    "reward": {"endpoint": MODEL},
    "reward_difference": {"base": {"endpoint": MODEL}, "reward": {"endpoint": MODEL}},
}
WORDS = """
    what how why the a of to in for river mountain garden recipe bread code function list sort
    explain write plan compare draw count city winter history physics light sound letter poem
    teacher child friend budget train journey week morning simple careful short long
"""
RULES = {
    "instruction": {
        "whole-instruction": "instruction_finish_reason = 'stop'",
        "good-enough-for-us": "input_quality >= 'average'",
        "not-trivial": "difficulty >= 'easy'",
    },
    "response": {"whole-response": "finish_reason = 'stop'", "better": "reward_difference > 0"},
}


def judged_recipe(split, model="org/tiny-model", **changes):
    """A recipe with every annotator that gives a plot."""
    values = {
        "annotate": ANNOTATE,
        "rules": RULES,
        "model": {"id": model, "revision": "a" * 40, "license": "llama3"},
        "publish": {
            "repo": "org/tiny-set",
            "split": split,
            "licenses": {"org/judge": "llama3.1", "org/reward": "apache-2.0", "base": "llama3"},
        },
    }
    return recipe(**(values | changes))


def judged_rows(seed, count=ROWS_OF_A_SPLIT):
    """Rows as `write_run` takes them, and what annotators said as `annotate` takes it."""
    dice = random.Random(seed)
    words = WORDS.split()
    rows, said = [], {name: {} for name in ANNOTATE if name != "neighbours"}
    known = outputs(judged_recipe("pro"))
    qualities, difficulties, tasks = (
        known[name].kind.categories.to_list()
        for name in ("input_quality", "difficulty", "task_category")
    )
    for n in range(count):
        asked = " ".join(dice.choices(words, k=int(dice.lognormvariate(2.4, 0.6)) + 3))
        answer = " ".join(dice.choices(words, k=int(dice.lognormvariate(4.5, 0.5)) + 10))
        rows.append(row(n, f"{asked.capitalize()} ({n})?", f"{answer.capitalize()}."))
        task = dice.choices(range(len(tasks)), weights=range(len(tasks), 0, -1))[0]
        at = [4.0 * (task % 5 == axis) + dice.gauss() for axis in range(5)]
        reward, base = dice.gauss(2, 2), dice.gauss(-1, 2)
        said["embedding"][n] = vector(*at)
        said["quality"][n] = quality(
            dice.choices(qualities, weights=(1, 2, 5, 8, 3))[0], quality_generator="org/judge"
        )
        said["difficulty"][n] = {
            "difficulty": dice.choices(difficulties, weights=(2, 6, 6, 3, 1))[0],
            "intent": "to know",
            "knowledge": "much",
            "difficulty_generator": "org/judge",
        }
        said["category"][n] = {
            "task_category": tasks[task],
            "other_task_category": [],
            "task_category_generator": "org/judge",
        }
        said["language"][n] = {"language": dice.choices(("EN", "DE", "FR"), weights=(90, 7, 3))[0]}
        said["refusal"][n] = {"refusal": dice.random() < 0.05, "refusal_phrase": None}
        said["reward"][n] = {"instruct_reward": reward, "reward_model": "org/reward"}
        said["reward_difference"][n] = {
            "base_output": "A plain answer.",
            "base_reward": base,
            "reward_difference": reward - base,
        }
    return rows, said
