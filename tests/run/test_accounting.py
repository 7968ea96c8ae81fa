from builder.recipe.annotators import stages
from builder.recipe.schema import Recipe
from builder.run.accounting import cost_of
from tests.run.runs import begun


def use(rows, tokens_in=0, tokens_out=0, seconds=0.0, gpu_seconds=0.0):
    return {
        "rows": rows,
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "seconds": seconds,
        "gpu_seconds": gpu_seconds,
    }


def noted(run, *starts):
    """Note the starts of a run: GPUs, seconds, stages."""
    with run.lock():
        for gpus, seconds, used in starts:
            run.note("sampling", gpus=gpus)
            run.note("progress", seconds=seconds, stages=used)


def test_nothing_was_used_before_the_first_start(tmp_path):
    run, _ = begun(tmp_path)
    assert cost_of(run, None) == {
        "stages": [],
        "seconds": 0,
        "gpus": 0,
        "gpu_hours": 0.0,
        "kept_per_gpu_hour": None,
        "tokens_per_kept_row": None,
        "money": None,
    }


def test_all_starts_are_added_up_a_killed_one_as_far_as_it_noted(tmp_path):
    run, _ = begun(tmp_path, "price={gpu_hour: 2.0, million_tokens_out: 1.0}")
    first = {"instruct": use(60, 360, 1000, 30.0, 60.0), "respond": use(40, 900, 9000, 60.0, 120.0)}
    second = {"respond": use(10, 200, 1000, 10.0, 40.0), "instruct": use(4, 24, 100, 5.0, 20.0)}
    noted(run, (2, 100.0, {"instruct": use(1, 6, 9)}))  # its later note is what counts
    with run.lock():
        run.note("progress", seconds=110.0, stages=first)
    noted(run, (4, 35.0, second), (4, 0.0, {}))
    assert cost_of(run, 40) == {
        "stages": [
            {"stage": "instruct", **use(64, 384, 1100, 35.0, 80.0)},
            {"stage": "respond", **use(50, 1100, 10_000, 70.0, 160.0)},
        ],
        "seconds": 145.0,
        "gpus": 4,
        "gpu_hours": 0.1,
        "kept_per_gpu_hour": 400.0,
        "tokens_per_kept_row": 277.5,
        "money": {"amount": 0.2111, "currency": "USD", "complete": True},
    }


def test_stages_stand_in_the_order_of_the_way_and_those_that_are_gone_last(tmp_path):
    run, record = begun(tmp_path, "annotate=[category]")
    judge = next(name for name in stages(Recipe.model_validate(record.recipe)) if "-" in name)
    assert judge.startswith("category-")
    used = {
        "quality-00000000": use(3, 30, 3),
        "respond": use(2, 20, 2),
        judge: use(5, 50, 5),
        "category-00000000": use(4, 40, 4),
        "instruct": use(9, 54, 9),
    }
    noted(run, (1, 1.0, used))
    assert [(stage["stage"], stage["rows"]) for stage in cost_of(run, 2)["stages"]] == [
        ("instruct", 9),
        ("respond", 2),
        ("category", 9),
        ("quality", 3),
    ]


def test_prompts_that_one_start_could_not_count_are_unknown_in_all(tmp_path):
    run, _ = begun(tmp_path, "price={million_tokens_in: 1.0}")
    noted(run, (1, 1.0, {"instruct": use(1, 500_000, 9)}), (1, 1.0, {"instruct": use(1, None, 9)}))
    cost = cost_of(run, 0)
    assert cost["stages"][0]["tokens_in"] is None
    assert cost["money"] == {"amount": 0.5, "currency": "USD", "complete": False}
    assert (cost["kept_per_gpu_hour"], cost["tokens_per_kept_row"]) == (None, None)


def test_an_engine_without_a_known_gpu_has_no_gpu_hours_but_costs_by_the_hour(tmp_path):
    run, _ = begun(tmp_path, "price={gpu_hour: 3.6}")
    noted(run, (0, 1000.0, {"instruct": use(10, 60, 90, 900.0)}))
    cost = cost_of(run, 8)
    assert (cost["gpus"], cost["gpu_hours"], cost["kept_per_gpu_hour"]) == (0, 0.0, None)
    assert cost["money"] == {"amount": 1.0, "currency": "USD", "complete": True}
