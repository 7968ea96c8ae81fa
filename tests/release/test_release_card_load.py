"""What a card's metadata says of rows, bytes and types, against what `datasets` finds."""

import json
import os
import subprocess
import sys

import pytest

from builder.release.copy import copy_release
from tests.release.annotated import annotated_recipe
from tests.release.test_release_annotations import ROWS, SAID
from tests.select.tiny_run import recipe, row

pytestmark = pytest.mark.slow

LOAD = """
import json, sys
import datasets
datasets.disable_progress_bars()
found = {}
for config in ("filtered", "raw"):
    told = datasets.load_dataset_builder(sys.argv[1], config).info
    streamed = datasets.load_dataset(sys.argv[1], config, streaming=True)
    try:
        loaded = datasets.load_dataset(sys.argv[1], config)
    except Exception as error:
        print(type(error).__name__, file=sys.stderr)
        sys.exit(3)
    found[config] = {
        split: {
            "told": [told.splits[split].num_examples, told.splits[split].num_bytes],
            "rows": data.num_rows,
            "streamed": sum(1 for _ in streamed[split]),
            "bytes": sum(table.nbytes for table in [data.with_format("arrow")[:]]),
            "same": data.features == told.features == streamed[split].features,
            "labels": sorted({str(value) for value in data.to_dict().get("input_quality", [])}),
        }
        for split, data in loaded.items()
    }
    found[config]["download"] = told.download_size
print(json.dumps(found))
"""


def run(folder, home):
    env = os.environ | {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    call = [sys.executable, "-c", LOAD, str(folder)]
    return subprocess.run(call, check=False, capture_output=True, text=True, env=env)


def test_rows_bytes_and_types_of_the_card_are_those_that_datasets_finds(release, tmp_path):
    publish = {"repo": "org/set", "split": "air"}
    plain = recipe(publish=publish, rules={"instruction": {}, "response": {}})
    rows = [row(n, f"number {n}", "an answer" * (n + 1)) for n in range(29)]
    copy_release(release("air", rows, plain).folder, tmp_path / "out")
    judged = release("judged", ROWS, annotated_recipe(), said=SAID)
    copy_release(judged.folder, tmp_path / "out")

    done = run(tmp_path / "out", tmp_path / "home")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    sizes = {
        config: sum(path.stat().st_size for path in (tmp_path / "out" / config).iterdir())
        for config in found
    }
    assert {config: one.pop("download") for config, one in found.items()} == sizes
    rows_of = {
        (config, split): (one["told"][0], one["rows"], one["streamed"], one["same"])
        for config, splits in found.items()
        for split, one in splits.items()
    }
    assert rows_of == {
        ("filtered", "air"): (29, 29, 29, True),
        ("filtered", "pro"): (2, 2, 2, True),
        ("raw", "air"): (29, 29, 29, True),
        ("raw", "pro"): (8, 8, 8, True),
    }
    assert found["filtered"]["pro"]["labels"] == ["excellent", "good"]
    own = found["filtered"]["pro"]
    assert abs(own["told"][1] - own["bytes"]) <= 0.02 * own["bytes"]


def test_a_number_of_rows_that_is_not_true_is_refused_by_datasets(release, tmp_path):
    made = release()
    card = made.folder / "README.md"
    text = card.read_text("utf-8")
    assert text.count("num_examples: 3\n") == 1
    card.write_text(text.replace("num_examples: 3\n", "num_examples: 4\n"), "utf-8")
    done = run(made.folder, tmp_path / "home")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (3, "NonMatchingSplitsSizesError")
