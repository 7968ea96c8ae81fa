import polars as pl

from builder.release.statistics import MOST, ranked_labels, several_labels
from tests.release.annotated import annotated_recipe
from tests.release.test_release_card import parsed
from tests.select.tiny_run import row

LISTS = pl.DataFrame({"also": [["b", "a"], ["b", "b"], [], None, ["c", None]]})


def test_a_row_counts_once_for_each_of_its_labels():
    assert several_labels(LISTS, "also", ["a", "b", "d"]) == {
        "column": "also",
        "several": True,
        "labels": [
            {"label": "a", "rows": 1, "share": 0.2},
            {"label": "b", "rows": 2, "share": 0.4},
            {"label": "d", "rows": 0, "share": 0.0},
        ],
        "none": 2,
        "none_share": 0.4,
        "empty": 1,
    }


def test_labels_that_nobody_declared_are_ranked():
    assert ranked_labels(LISTS, "also") == ["b", "a", "c"]
    many = pl.DataFrame({"also": [[f"{n:02}"] for n in range(MOST + 5)]})
    assert ranked_labels(many, "also") == [f"{n:02}" for n in range(MOST)]
    nothing = pl.DataFrame({"also": [None, []]}, schema={"also": pl.List(pl.String)})
    assert ranked_labels(nothing, "also") == []
    assert several_labels(nothing, "also", [])["none"] == 2


def test_lists_of_labels_stand_among_the_facts_and_on_the_card(release):
    chosen = annotated_recipe(
        annotate={"category": {}, "safety": {"endpoint": "http://n:1"}}, rules={}
    )
    rows = [row(n, f"number {n}") for n in range(4)]
    categories = [["Math", "Editing"], ["Math"], [], ["Others"]]
    unsafe = [["S9"], ["S1", "S9"], [], []]
    said = {
        "category": {
            n: {"task_category": "Planning", "other_task_category": categories[n]} for n in range(4)
        },
        "safety": {
            n: {"llama_guard_2": "unsafe", "safety_categories": unsafe[n]} for n in range(4)
        },
    }
    made = release(rows=rows, recipe_=chosen, said=said)
    for config in ("filtered", "raw"):
        told = {one["column"]: one for one in made.facts["labels"][config]}
        assert list(told) == ["task_category", "other_task_category", "safety_categories"]
        other = {one["label"]: one["rows"] for one in told["other_task_category"]["labels"]}
        assert {name for name, count in other.items() if count} == {"Math", "Editing", "Others"}
        assert (other["Math"], told["other_task_category"]["empty"]) == (2, 1)
        assert told["safety_categories"]["labels"] == [
            {"label": "S9", "rows": 2, "share": 0.5},
            {"label": "S1", "rows": 1, "share": 0.25},
        ]
        assert told["safety_categories"]["none"] == 2
    _, text = parsed(made.folder)
    assert "S9" in text.split("## License")[0]
