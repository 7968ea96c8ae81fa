import polars as pl

from builder.release.plots.histogram import histograms
from builder.release.plots.series import Bars, Bins, Layer, compared, series
from tests.release.plots.conftest import binned, labelled

QUALITY = {"poor": 0, "good": 2, "excellent": 1}


def by_name(found):
    return {one.name: one for one in found}


def test_only_the_funnel_is_known_of_a_split_without_annotations(facts):
    layer = Layer("rows left", (9, 5, 3))
    assert series(facts()) == [
        Bars("funnel", "From sampled to kept", ("sampled", "short", "good"), (layer,), steps=True)
    ]


def test_rows_of_a_data_set_were_read_and_not_sampled(facts):
    (funnel,) = series(facts() | {"source": {"dataset": "org/set"}})
    assert (funnel.title, funnel.labels[0]) == ("From read to kept", "read")


def test_labels_stand_in_their_order_with_the_kept_rows_in_front(facts):
    told = facts(
        labels=[labelled("input_quality", QUALITY)],
        raw_labels=[labelled("input_quality", QUALITY | {"poor": 4}, none=2)],
    )
    assert by_name(series(told))["quality"] == Bars(
        "quality",
        "Quality of the instruction",
        ("poor", "good", "excellent"),
        (Layer("kept", (0, 2, 1)), Layer("sampled", (4, 2, 1), none=2)),
    )


def test_a_layer_that_says_the_same_as_the_kept_rows_is_left_out(facts):
    told = facts(
        labels=[labelled("task_category", {"Math": 3})],
        raw_labels=[labelled("task_category", {"Math": 3}, none=6)],
    )
    assert by_name(series(told))["category"].layers == (Layer("kept", (3,)),)


def test_labels_that_no_kept_row_has_make_no_plot(facts):
    told = facts(labels=[labelled("difficulty", {"easy": 0, "hard": 0}, none=3)])
    assert list(by_name(series(told))) == ["funnel"]


def test_lengths_are_in_tokens_where_the_rows_have_them(facts):
    tokens = binned("instruction_tokens", 2.0, 3, [1, 2])
    characters = binned("instruction_length", 8.0, 0, [1, 1, 1])
    told = facts(
        histograms=[tokens, characters],
        lengths={"instruction_tokens": {"median": 8}},
    )
    found = by_name(series(told))["instruction-length"]
    layer = Layer("kept", (1, 2), median=8.0)
    assert found == Bins(
        "instruction-length", "Length of the instruction", "tokens", (6.0, 8.0, 10.0), (layer,)
    )
    without = by_name(series(facts(histograms=[characters])))["instruction-length"]
    assert (without.unit, without.edges[-1]) == ("characters", 24.0)


def test_shares_are_of_all_rows_with_a_number_those_outside_too(facts):
    layer = Layer("kept", (1, 1), none=5, below=1, above=1)
    assert (layer.rows, layer.shares) == (4, (0.25, 0.25))
    assert Layer("kept", (0,)).shares == (0.0,)


def test_rare_languages_share_the_last_bar(facts):
    told = [{"language": f"L{i}", "rows": 20 - i} for i in range(10)]
    found = by_name(series(facts(languages=told)))["language"]
    assert found.labels == (*(f"L{i}" for i in range(8)), "others")
    assert found.layers[0].counts[-1] == 12 + 11
    assert by_name(series(facts(languages=told[:2])))["language"].labels == ("L0", "L1")


def test_one_split_is_compared_with_nothing(facts):
    assert compared([facts()]) == []


def test_splits_are_compared_label_by_label(facts):
    air = facts("air", labels=[labelled("input_quality", QUALITY)])
    pro = facts("pro", labels=[labelled("input_quality", QUALITY | {"good": 5})])
    (found,) = compared([air, pro])
    assert found.layers == (Layer("air", (0, 2, 1)), Layer("pro", (0, 5, 1)))


def test_what_one_split_lacks_is_not_compared(facts):
    air = facts("air", labels=[labelled("input_quality", QUALITY)])
    assert compared([air, facts("pro")]) == []


def test_histograms_of_different_widths_meet_in_the_wider_bins(facts):
    air = facts("air", histograms=[binned("response_tokens", 2.0, 1, [1, 2, 3])])
    pro = facts("pro", histograms=[binned("response_tokens", 4.0, 1, [5, 6], above=1)])
    (found,) = compared([air, pro])
    assert found.edges == (0.0, 4.0, 8.0, 12.0)
    assert found.layers == (Layer("air", (1, 5, 0)), Layer("pro", (0, 5, 6), above=1))


def test_histograms_together_count_as_those_of_all_rows_would(facts):
    rows = {"air": list(range(40, 300, 3)), "pro": list(range(0, 5000, 7))}
    told = []
    for split, values in rows.items():
        frame = pl.DataFrame({"response_tokens": values})
        made = histograms({"filtered": frame, "raw": frame}, ["response_tokens"], "raw")
        told.append(facts(split, histograms=made["filtered"]))
    (found,) = compared(told)
    for layer, values in zip(found.layers, rows.values(), strict=True):
        inside = [value for value in values if value < found.edges[-1]]
        assert sum(layer.counts) + layer.above + layer.below == len(values)
        assert sum(layer.counts) <= len(inside)


def test_rewards_are_compared_only_where_one_model_gave_them(facts):
    def rewarded(split, model):
        return facts(
            split,
            histograms=[binned("instruct_reward", 1.0, -2, [1, 2])],
            annotators=[{"name": "reward", "models": [{"model": model, "rows": 3}]}],
        )

    assert [one.name for one in compared([rewarded("a", "rm"), rewarded("b", "rm")])] == ["reward"]
    assert compared([rewarded("a", "rm"), rewarded("b", "other")]) == []
