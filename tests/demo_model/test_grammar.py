"""The grammar that wrote the demo model's training data: pure Python, no model."""

import json
import random
import re

import pytest

from builder.demo_model.training import corpus
from builder.demo_model.training.computed import BINDERS
from builder.demo_model.training.grammar import kinds, sample_request
from builder.demo_model.training.judging import JUDGES, QUALITY, Judged, prompt, rate, verdict
from builder.demo_model.training.noise import SPOILERS
from builder.demo_model.training.templates import Draw, mend_articles
from builder.rows import DIFFICULTIES, TASK_CATEGORIES

LEVELS = set(DIFFICULTIES.categories)
TAGS = set(TASK_CATEGORIES.categories)


def test_draw_keeps_a_slot_and_counts_others_apart():
    draw = Draw(random.Random(1), {"animal": ["fox", "owl"]})
    first, again, second = draw.fill("{animal} {animal} {animal#2}").split()
    assert first == again
    assert {first, second} == {"fox", "owl"}


def test_draw_resolves_nested_choices_and_case():
    draw = Draw(random.Random(1), {"job": ["cook"]})
    assert draw.fill("[[a|a]] [[{job|cap}|{job|cap}]] and [[[[x|x]] y|x y]]") == "a Cook and x y"


def test_draw_names_the_missing_list():
    with pytest.raises(KeyError, match="'ghost'"):
        Draw(random.Random(1), {}).fill("{ghost}")


@pytest.mark.parametrize(
    ("raw", "mended"),
    [
        ("a owl and a fox", "an owl and a fox"),
        ("A umbrella", "An umbrella"),
        ("a useful one-act play of a unicorn", "a useful one-act play of a unicorn"),
    ],
)
def test_mend_articles(raw, mended):
    assert mend_articles(raw) == mended


def test_the_corpus_follows_from_its_seed():
    first, again = list(corpus.chats(300, seed=5)), list(corpus.chats(300, seed=5))
    assert first == again
    assert list(corpus.chats(300, seed=6)) != first


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_every_kind_leaves_no_mark_unfilled(kind):
    rng = random.Random(3)
    for _ in range(300):
        request = sample_request(rng, kind)
        for text in (request.text, request.answer, request.want, request.know):
            assert "[[" not in text
            assert not re.search(r"\{[a-z_#0-9.|]+\}", text)
        assert request.tag in TAGS
        assert set(request.also) <= TAGS
        assert request.level in LEVELS


def test_the_space_of_requests_is_large():
    rng = random.Random(4)
    texts = [sample_request(rng).text for _ in range(5000)]
    assert len(set(texts)) / len(texts) > 0.98
    lengths = [len(text.split()) for text in texts]
    assert 12 <= sum(lengths) / len(lengths) <= 30


def test_languages_have_their_share():
    rng = random.Random(5)
    languages = [sample_request(rng).language for _ in range(4000)]
    for language in ("es", "de"):
        assert 0.03 < languages.count(language) / len(languages) < 0.07


@pytest.mark.parametrize("name", sorted(BINDERS))
def test_computed_slots_are_texts(name):
    slots = BINDERS[name](random.Random(1))
    assert slots
    assert all(isinstance(value, str) for value in slots.values())


@pytest.mark.parametrize("seed", range(20))
def test_sums_are_right(seed):
    rng = random.Random(seed)
    add, times = BINDERS["addition"](rng), BINDERS["purchase"](rng)
    assert int(add["a"]) + int(add["b"]) == int(add["total"])
    assert int(times["n"]) * int(times["p"]) == int(times["total"])
    mean = BINDERS["statistics"](rng)
    values = [int(value) for value in mean["values"].split(", ")]
    assert sum(values) == int(mean["mean"]) * len(values)


@pytest.mark.parametrize("judge", JUDGES)
def test_a_judge_prompt_has_one_slot_and_no_other_brace(judge):
    text = prompt(judge)
    assert text.count("{instruction}") == 1
    assert "{" not in text.replace("{instruction}", "")


def test_judge_prompts_list_every_label():
    assert all(f"- {label}:" in prompt("quality") for label in QUALITY)
    assert all(f"- {label}:" in prompt("difficulty") for label in LEVELS)
    assert all(f"- {tag}:" in prompt("category") for tag in TAGS)


def test_verdicts_are_json_with_the_right_labels():
    seen = set()
    for chat in corpus.chats(3000):
        if "judge" not in chat:
            continue
        reply = json.loads(chat["messages"][-1]["content"])
        if chat["judge"] == "quality":
            assert list(reply) == ["explanation", "input_quality"]
            seen.add(reply["input_quality"])
        elif chat["judge"] == "difficulty":
            assert list(reply) == ["intent", "knowledge", "difficulty"]
            assert reply["difficulty"] in LEVELS
        else:
            assert list(reply) == ["primary_tag", "other_tags"]
            assert {reply["primary_tag"], *reply["other_tags"]} <= TAGS
    assert seen == set(QUALITY)


@pytest.mark.parametrize("flaw", sorted(SPOILERS))
def test_spoiled_requests_rate_low(flaw):
    rng = random.Random(2)
    request = sample_request(rng, "creative")
    judged = Judged(SPOILERS[flaw](rng, request.text), request, flaw)
    assert rate(judged)[0] in {"very poor", "poor"}
    assert json.loads(verdict("quality", judged))["input_quality"] == rate(judged)[0]


def test_more_detail_rates_higher():
    rng = random.Random(8)
    requests = [sample_request(rng, "planning") for _ in range(400)]
    bare = [r for r in requests if not (r.contexts or r.constraints or r.has_material)]
    rich = [r for r in requests if r.contexts and r.constraints == 2 and r.has_material]
    assert {rate(Judged(r.text, r))[0] for r in bare} <= {"average", "good"}
    assert {rate(Judged(r.text, r))[0] for r in rich} == {"excellent"}
