import pytest


def binned(column, width, first, counts, **others):
    """A histogram as facts hold it."""
    outside = {"below": 0, "above": 0, "none": 0}
    return {"column": column, "width": width, "first": first, "counts": counts} | outside | others


def labelled(column, rows, none=0):
    """Counted labels as facts hold them."""
    labels = [{"label": label, "rows": count} for label, count in rows.items()]
    return {"column": column, "labels": labels, "none": none}


@pytest.fixture
def facts():
    """Makes the facts that plots read: `facts("pro", labels=[...], histograms=[...])`.

    `labels`, `histograms` and `languages` are of the kept rows, `raw_...` of all; those are the
    same unless they are given.
    """

    def make(split="pro", **told):
        def both(key, empty):
            kept = told.get(key, empty)
            return {"filtered": kept, "raw": told.get(f"raw_{key}", kept)}

        return {
            "split": split,
            "default_config": "filtered",
            "funnel": {
                "rows": 9,
                "dropped": [
                    {"reason": "failed", "rows": 0},
                    {"reason": "short", "rows": 4},
                    {"reason": "good", "rows": 2},
                ],
                "kept": 3,
            },
            "annotators": told.get("annotators", []),
            "labels": both("labels", []),
            "histograms": both("histograms", []),
            "languages": both("languages", []),
            "lengths": both("lengths", {}),
            "numbers": both("numbers", {}),
        }

    return make
