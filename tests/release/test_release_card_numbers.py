"""Every number of a card is one of its facts, however it is written there."""

import json
import re

import pytest

from builder.release import markdown
from builder.release.card import render_card
from builder.release.samples import SHOWN
from tests.release.annotated import annotated_recipe
from tests.release.test_release_annotations import COST, ROWS, SAID
from tests.release.test_release_card import parsed

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)*")

OF_THE_TEMPLATES = {
    "256",  # SHA-256
    "95",  # p95, the 95th percentile
    "2406.08464",  # the paper
    "2025",
    f"{SHOWN}",
    "2000",  # of the lines that show how to load
    "10",
    "2.0",  # the link to the Apache License
}


def leaves(value):
    """All values inside of facts."""
    if isinstance(value, dict):
        yield from value
        for one in value.values():
            yield from leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one)
    else:
        yield value


def written(facts):
    """Every number that facts hold, in all forms that a card may write it in."""
    forms = (
        str,
        markdown.number,
        markdown.percent,
        markdown.size,
        markdown.duration,
        lambda value: markdown.number(round(value)),
        lambda value: markdown.number(round(value, 2)),
        lambda value: f"{value:,.2f}",
    )
    for value in leaves(facts):
        if isinstance(value, str):
            yield from NUMBER.findall(value)
        elif isinstance(value, int | float):
            for form in forms:
                yield from NUMBER.findall(form(value))


@pytest.fixture
def full(release):
    """A release that has all that a card can tell."""
    checks = [{"check": "begin-of-text tokens", "found": "1", "fine": True}]
    origin = {
        "cost": COST,
        "preflight": {"checks": checks, "samples": ["one", "two", "three"]},
        "server": {"image": "tgi:3", "image_id": "a", "digest": "b", "command": ["--port", "80"]},
    }
    return release("full", ROWS, annotated_recipe(select={"longest": 5}), said=SAID, origin=origin)


def test_every_number_of_a_card_is_found_in_its_facts(full):
    _, text = parsed(full.folder)
    known = set(written(full.facts)) | OF_THE_TEMPLATES
    found = set(NUMBER.findall(text))
    # what is counted of a list stands in no fact by itself
    assert sorted(found - known - {str(len(full.facts["preflight"]["samples"]))}) == []
    assert len(found) > 40


def test_every_number_of_the_metadata_is_found_in_the_facts(full):
    card = (full.folder / "README.md").read_text("utf-8")
    front = card.split("\n---\n")[0]
    numbers = {int(number) for number in re.findall(r": (\d+)\n", front + "\n")}
    known = {value for value in leaves(full.facts) if isinstance(value, int)}
    assert sorted(numbers - known) == []


def test_a_number_that_is_changed_in_the_facts_changes_on_the_card(full):
    facts = json.loads((full.folder / "facts/pro.json").read_text("utf-8"))
    before = render_card([facts])
    facts["lengths"]["filtered"]["response_tokens"]["mean"] = 98765.4
    facts["limits"][1]["share"] = 0.4321
    after = render_card([facts])
    assert (before.count("98,765.4"), after.count("98,765.4")) == (0, 2)
    assert (before.count("43.2 %"), after.count("43.2 %")) == (0, 2)


def test_two_splits_stand_side_by_side_each_from_its_own_facts(full):
    other = json.loads(json.dumps(full.facts)) | {"split": "air"}
    other["configs"]["filtered"]["rows"] = 77777
    other["numbers"]["filtered"]["instruct_reward"]["mean"] = -3.5
    other["labels"]["filtered"] = []
    del other["limits"][2]
    card = render_card([other, full.facts])
    assert "| | `air` | `pro` |\n| --- | --- | --- |" in card
    assert re.search(r"\| rows in `filtered` \| 77,777 \([\d.]+ kB\) \| 2 \(", card)
    assert "| mean instruct reward | -3.5 | 1.25 |" in card
    assert "| most frequent input quality | - | good, 50.0 % |" in card
    assert "| response refuses or deflects | not measured | 50.0 % |" in card
    assert "num_examples: 77777\n" in card
    assert card.count("## Split `") == 2
