"""`kill -9` while rows are annotated: nothing is judged twice, nothing is lost."""

import json
import random

import pytest

from builder.annotate.judging.shown import fill
from builder.annotate.judging.worker import PROMPTS
from builder.recipe.annotators import stages
from builder.recipe.schema import Recipe
from builder.run.directory import RunDirectory
from tests.kill.rig import RECIPE, Rig, contents

pytestmark = pytest.mark.slow

KILLS = 3
"""Of each of the runs below, while it annotates: 12 in all."""

KINDS = {
    "judge": ("quality: {}", "good: \"input_quality >= 'average'\""),
    "two judges": (
        "difficulty: {}, quality: {max_tokens: 300}",
        "good: \"input_quality >= 'average' and difficulty <= 'hard'\"",
    ),
    "pure": ("repetition: {}, response_repetition: {}", 'fresh: "instruction_repetition < 0.5"'),
    "vectors": (
        "embedding: {}, neighbours: {drop_within: 0.4}, quality: {}",
        "good: \"input_quality >= 'poor'\"",
    ),
}

WRITES = {
    "judge": ["quality"],
    "two judges": ["quality", "difficulty"],
    "pure": ["repetition", "response_repetition"],
    "vectors": ["embedding", "quality"],
}
"""The annotators after whose next rows a run is killed."""


def recipe_of(kind):
    annotate, rule = KINDS[kind]
    recipe = RECIPE.replace("target: {kept: 150}", "target: {kept: 60}")
    recipe = recipe.replace("  instruction:\n", f"  instruction:\n    {rule}\n")
    return f"{recipe}annotate: {{{annotate}}}\n"


def annotated(rig):
    """Stage -> row -> its record, of all stages of the run."""
    run = RunDirectory(rig.run)
    if not run.record_path.exists():
        return {}
    return {name: rig.stage(name) for name in stages(Recipe.model_validate(run.record().recipe))}


def judged(found):
    """The prompts of judgements that stand on disk; those of equal instructions are left out."""
    texts = {row: record["instruction"] for row, record in found.get("instruct", {}).items()}
    every = list(texts.values())
    prompts = set()
    for stage, rows in found.items():
        path = PROMPTS / f"{stage.rpartition('-')[0]}.txt"
        if path.is_file():
            prompt = path.read_text(encoding="utf-8").strip()
            single = {texts[row] for row in rows if every.count(texts[row]) == 1}
            prompts |= {f"<user>{fill(prompt, text)}<model>" for text in single}
    return prompts


def prompts_since(rig, start):
    content = rig.trace.read_bytes() if rig.trace.exists() else b""
    return {json.loads(line)["prompt"] for line in content[start:].splitlines()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_is_killed_while_it_annotates_ends_like_one_that_never_was(tmp_path, kind):
    calm = Rig(tmp_path / "calm", delay=0, recipe=recipe_of(kind))
    expected = contents(calm.finish())
    rig = Rig(tmp_path / "killed", delay=0.003, recipe=recipe_of(kind))
    try:
        killed_again_and_again(rig, kind, random.Random(kind))
        found, (end, _) = annotated(rig), rig.asked()
        assert contents(rig.finish()) == expected
        assert judged(found).isdisjoint(prompts_since(rig, end))
        assert_each_record_once(rig)
    finally:
        rig.end()
        calm.end()


def killed_again_and_again(rig, kind, chance):
    names = WRITES[kind]
    for _ in range(KILLS):
        before, (end, _) = annotated(rig), rig.asked()
        wrote = rig.grows(f"run/shards/*/{chance.choice(names)}-*.jsonl", chance.randrange(300))
        assert rig.kill_some_time_after(rig.start(), wrote, chance.uniform(0, 0.02))
        now = annotated(rig)
        for stage, rows in before.items():
            assert {row: now[stage][row] for row in rows} == rows
        done = {record["seed"] for record in before.get("instruct", {}).values()}
        assert done.isdisjoint(rig.asked(end)[1])
        assert judged(before).isdisjoint(prompts_since(rig, end))


def assert_each_record_once(rig):
    """`Rig.stage` finds a row twice in a file; here, one that stands in two."""
    lines = rig.lines()
    assert len(lines) == len(set(lines))
    for shard, stage, _ in lines:
        assert not (rig.run / "shards" / shard / f"{stage}.parquet").exists()
