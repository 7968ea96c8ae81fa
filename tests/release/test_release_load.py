import json
import os
import subprocess
import sys

import pytest

from builder.release import parquet
from builder.release.copy import copy_release
from tests.release.annotated import annotated_recipe, quality
from tests.release.test_release_annotations import ROWS, SAID
from tests.select.tiny_run import recipe, row

pytestmark = pytest.mark.slow

LOAD = """
import json, sys
import datasets
datasets.disable_progress_bars()
found = {}
for config in sys.argv[2].split(","):
    loaded = datasets.load_dataset(sys.argv[1], *([config] if config else []))
    found[config] = {
        split: {"rows": data["row"][:], "first": data[0], "features": str(data.features)}
        for split, data in loaded.items()
    }
print(json.dumps(found))
"""

TURNS = "List({'from': Value('string'), 'value': Value('string')})"
MESSAGES = "List({'role': Value('string'), 'content': Value('string')})"
SAMPLING = (
    "{'temperature': Value('float64'), 'top_p': Value('float64'), 'input_generator': "
    "Value('string'), 'seed': Value('int64'), 'pre_query_template': Value('string')}"
)
FILTERED = {
    "uuid": "Value('string')",
    "model": "Value('string')",
    "gen_input_configs": SAMPLING,
    "instruction": "Value('string')",
    "response": "Value('string')",
    "conversations": TURNS,
    "instruction_length": "Value('int64')",
    "response_length": "Value('int64')",
    "row": "Value('int64')",
    "messages": MESSAGES,
    "instruction_tokens": "Value('int64')",
    "response_tokens": "Value('int64')",
    "instruction_finish_reason": "Value('string')",
    "finish_reason": "Value('string')",
}
RAW = FILTERED | dict.fromkeys(
    ["instruction_error", "response_error", "drop_reason", "duplicate_of"], "Value('string')"
)


def features(columns):
    return "{" + ", ".join(f"'{name}': {kind}" for name, kind in columns.items()) + "}"


def load(folder, configs, home):
    env = os.environ | {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    call = [sys.executable, "-c", LOAD, str(folder), ",".join(configs)]
    done = subprocess.run(call, check=True, capture_output=True, text=True, env=env)
    return json.loads(done.stdout)


def test_load_dataset_opens_a_release_with_its_documented_types(release, tmp_path):
    found = load(release().folder, ["filtered", "raw", ""], tmp_path / "home")
    assert found["filtered"]["pro"]["rows"] == [0, 8, 9]
    assert found[""] == found["filtered"]
    assert found["raw"]["pro"]["rows"] == list(range(10))
    assert found["filtered"]["pro"]["features"] == features(FILTERED)
    assert found["raw"]["pro"]["features"] == features(RAW)
    assert found["filtered"]["pro"]["first"]["messages"] == [
        {"role": "user", "content": "Tell me a tale"},
        {"role": "assistant", "content": "Once upon a time"},
    ]


def test_load_dataset_opens_all_splits_of_a_shared_folder(release, tmp_path):
    for split in ("air", "pro"):
        chosen = recipe(publish={"repo": "org/set", "split": split})
        made = release(split, [row(n, f"{split} {n}") for n in range(3)], chosen)
        copy_release(made.folder, tmp_path / "out")
    found = load(tmp_path / "out", ["filtered", "raw"], tmp_path / "home")
    assert {split: data["rows"] for split, data in found["filtered"].items()} == {
        "air": [0, 1, 2],
        "pro": [0, 1, 2],
    }
    assert found["raw"]["air"]["first"]["instruction"] == "air 0"


def test_raw_rows_without_any_response_or_error_have_types_too(release, tmp_path):
    rows = [row(0, "The only answer")]
    found = load(release(rows=rows).folder, ["raw"], tmp_path / "home")
    assert found["raw"]["pro"]["features"] == features(RAW)


def test_load_dataset_reads_labels_as_strings(release, tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "GROUP_SPAN", 2)
    made = release("judged", ROWS, annotated_recipe(), said=SAID)
    found = load(made.folder, ["filtered", "raw"], tmp_path / "home")
    for config, rows in (("filtered", [0, 5]), ("raw", list(range(8)))):
        assert found[config]["pro"]["rows"] == rows
        types = found[config]["pro"]["features"]
        assert "'input_quality': Value('string')" in types
        assert "'task_category': Value('string')" in types
        assert "'other_task_category': List(Value('string'))" in types
        assert "'refusal': Value('bool')" in types
        assert "'instruct_reward': Value('float64')" in types
        assert found[config]["pro"]["first"]["input_quality"] == "good"
        assert found[config]["pro"]["first"]["other_task_category"] == ["Others", "Math"]


def test_load_dataset_opens_splits_of_which_one_is_judged(release, tmp_path):
    bare = {"instruction": {}, "response": {}}
    for split, on in (("air", {}), ("pro", {"quality": {}})):
        chosen = recipe(publish={"repo": "org/set", "split": split}, annotate=on, rules=bare)
        said = {"quality": {0: quality("good")}} if on else None
        made = release(split, [row(0, f"{split} instruction")], chosen, said=said)
        copy_release(made.folder, tmp_path / "out")
    found = load(tmp_path / "out", ["filtered", "raw"], tmp_path / "home")
    for splits in found.values():
        labels = {split: data["first"]["input_quality"] for split, data in splits.items()}
        assert labels == {"air": None, "pro": "good"}
        assert splits["air"]["features"] == splits["pro"]["features"]
        assert f"'messages': {MESSAGES}" in splits["air"]["features"]
