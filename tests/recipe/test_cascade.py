import pytest

from builder.recipe.cascade import near_radius, way_of
from tests.generate.bench import recipe

SERVER = {"endpoint": "http://localhost:9"}
ALL = {
    "reward_difference": {"base": SERVER, "reward": SERVER},
    "reward": SERVER,
    "quality": {},
    "category": {},
    "embedding": {},
    "neighbours": {"drop_within": 0.0},
    "repetition": {},
    "refusal": {},
    "lengths": {},
}


def way(annotate=None, instruction=None, response=None, **changes):
    rules = {"instruction": instruction or {}, "response": response or {}}
    return way_of(recipe(annotate=annotate or {}, rules=rules, **changes))


def names(steps):
    """Names of steps, with a star where nothing waits for it."""
    return [step.stage.split("-")[0] + ("" if step.needed else "*") for step in steps]


def test_a_recipe_without_annotators_has_two_steps():
    steps = way(instruction={"short": "instruction_length > 3"}).steps
    assert names(steps) == ["instruct", "respond"]
    assert steps[0].rules == (("short", "instruction_length > 3"),)
    assert [step.twins for step in steps] == [True, False]


def test_cheap_annotators_come_first_and_those_of_the_response_after_it():
    used = way(
        ALL,
        {
            "good": "input_quality >= 'good'",
            "sort": "task_category = 'Math'",
            "loop": "instruction_repetition < 0.5",
        },
        {"polite": "not refusal", "better": "reward_difference > 0"},
    )
    assert names(used.steps) == [
        "instruct",
        "repetition",
        "embedding",
        "quality",
        "category",
        "respond",
        "refusal",
        "reward",
        "reward_difference",
        "lengths*",
    ]


def test_each_rule_is_asked_as_soon_as_its_columns_are_there():
    used = way(
        {"quality": {}, "repetition": {}},
        {"both": "input_quality >= 'good' and instruction_repetition < 1", "bare": "seed > 0"},
        {"early": "instruction_repetition < 0.5", "whole": "finish_reason = 'stop'"},
    )
    rules = {step.stage.split("-")[0]: [name for name, _ in step.rules] for step in used.steps}
    assert rules == {
        "instruct": ["bare"],
        "repetition": ["early"],
        "quality": ["both"],
        "respond": ["whole"],
    }
    assert used.reasons() == (
        "failed",
        "bare",
        "duplicate",
        "unjudged",
        "early",
        "both",
        "unanswered",
        "whole",
    )


def test_an_annotator_is_needed_for_the_sake_of_one_that_is():
    used = way(ALL, response={"better": "reward_difference > 0"})
    assert [step.needed for step in used.steps if "reward" in step.stage] == [True, True]
    spare = way({"reward_difference": ALL["reward_difference"], "reward": SERVER})
    assert names(spare.steps) == ["instruct", "respond", "reward*", "reward_difference*"]


def test_what_nothing_waits_for_comes_last_though_it_reads_the_instruction_alone():
    assert names(way({"quality": {}, "repetition": {}}).steps) == [
        "instruct",
        "respond",
        "repetition*",
        "quality*",
    ]


def test_near_twins_are_decided_once_vectors_are_there_and_quotas_never_before():
    target = {"kept": 2, "by": "instruction_finish_reason", "quotas": {"stop": 2}}
    used = way({"neighbours": {"drop_within": 0.0}, "embedding": {}}, target=target)
    assert [(step.near_twins, step.quota) for step in used.steps] == [
        (False, False),
        (True, True),
        (False, False),
    ]
    assert used.reasons() == (
        "failed",
        "duplicate",
        "unjudged",
        "near-duplicate",
        "quota",
        "unanswered",
    )
    without = way({}, target=target)
    assert [step.quota for step in without.steps] == [True, False]


def test_a_quota_waits_for_the_judge_of_its_labels():
    target = {"kept": 12, "by": "task_category"}
    used = way(ALL, {"good": "input_quality >= 'good'"}, target=target)
    decided = {step.stage.split("-")[0]: (step.near_twins, step.quota) for step in used.steps}
    assert [name for name, (near, _) in decided.items() if near] == ["embedding"]
    assert [name for name, (_, quota) in decided.items() if quota] == ["category"]
    assert names(used.steps)[:4] == ["instruct", "embedding", "quality", "category"]


def test_vectors_that_only_inform_are_there_for_all_rows_and_drop_none():
    used = way({"embedding": {}, "neighbours": {}, "quality": {}})
    assert names(used.steps) == ["instruct", "embedding*", "respond", "quality*"]
    assert not any(step.near_twins for step in used.steps)
    assert "unjudged" not in used.reasons()


@pytest.mark.parametrize(
    ("changes", "needed"),
    [
        ({"response": {"far": "min_neighbor_distance > 0"}}, True),
        ({"select": {"longest": 3, "by": "min_neighbor_distance"}}, True),
        ({"select": {"by": "min_neighbor_distance"}}, False),
        ({}, False),
    ],
)
def test_vectors_are_needed_where_a_rule_or_the_cut_looks_at_neighbours(changes, needed):
    used = way({"embedding": {}, "neighbours": {}}, **changes)
    assert used.steps[1].needed == needed


def test_rules_on_all_rows_are_asked_last():
    used = way(
        {"embedding": {}, "neighbours": {}},
        {"bare": "seed > 0"},
        {"far": "min_neighbor_distance > 0 or response_length > 3"},
    )
    assert used.late_rules == (("far", "min_neighbor_distance > 0 or response_length > 3"),)
    assert used.reasons()[-1] == "far"
    assert not any(step.rules for step in used.steps[1:])


def test_the_column_of_the_cut_is_needed_where_there_is_a_cut():
    by = {"select": {"longest": 3, "by": "instruct_reward"}}
    assert names(way({"reward": SERVER}, **by).steps) == ["instruct", "respond", "reward"]
    assert names(way({"reward": SERVER}).steps) == ["instruct", "respond", "reward*"]


def test_the_order_does_not_hang_on_the_order_of_the_recipe_where_one_reads_from_another():
    rule = {"better": "reward_difference > 0"}
    there = {"reward_difference": ALL["reward_difference"], "reward": SERVER}
    back = dict(reversed(there.items()))
    assert names(way(there, response=rule).steps) == names(way(back, response=rule).steps)


def test_how_near_is_too_near():
    assert near_radius(recipe(annotate={"embedding": {}, "neighbours": {}})) is None
    assert near_radius(recipe(annotate=ALL)) == 0.0
    assert near_radius(recipe()) is None
