"""Cards of runs over rows that exist already: nothing is claimed that was not done here."""

import json

import huggingface_hub.constants
import pytest
import yaml

from builder.pipeline import build
from builder.recipe.load import load_recipe
from builder.recipe.resolve import Source, resolve
from builder.release.card import front_matter
from builder.release.licensing import license_problem
from builder.run.directory import RunDirectory
from builder.run.progress import Progress
from tests.published import PRE_QUERY, RECIPE, write_set
from tests.release.test_release_card import parsed


@pytest.fixture
def made(tmp_path, monkeypatch):
    """The release of a run over a published set in a folder of this machine."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    (tmp_path / "data").mkdir()
    write_set(tmp_path / "data/set.parquet", 40)
    text = RECIPE.replace("dataset: set.parquet", f"dataset: {tmp_path}/data/set.parquet")
    path = tmp_path / "again.yaml"
    path.write_text(text)
    return build(resolve(Source(str(path))), RunDirectory(tmp_path / "run"), Progress()).release


def test_the_facts_name_the_data_set_and_what_it_held(made):
    source = made.facts["source"]
    assert len(source.pop("sha256")) == 64
    assert source == {
        "dataset": "set.parquet",
        "on_hub": False,
        "config": None,
        "split": None,
        "revision": None,
        "rows": 40,
    }
    assert made.facts["sweep"] == []
    assert made.facts["template"]["given_by"] == "data set"


def test_the_card_claims_nothing_that_was_not_done_here(made):
    _, text = parsed(made.folder)
    for claim in ("were both written", "What the model is given", "Sampling of", "temperature"):
        assert claim not in text.split("## Columns")[0] + text.split("## Split")[1], claim
    assert "The rows of `train` were not made here. They come from the data set `set.parquet`" in (
        text
    )
    assert "| kept of all rows | 45.0 % |" in text
    assert "- model of the rows: [org/writer](https://huggingface.co/org/writer)\n" in text
    assert "| read | 40 | | |" in text
    assert json.dumps(PRE_QUERY) in text
    assert "every row that was read for it" in text
    assert "how a turn ended" not in text
    assert "- `row` (`int64`): number of the row in the data set that it comes from" in text
    log = (made.folder / "CHANGELOG.md").read_text("utf-8")
    assert "- 40 rows taken from set.parquet, 18 kept\n" in log
    assert "- recipe again, model org/writer\n" in log


def test_no_path_of_this_machine_is_in_the_release(made, tmp_path):
    for path in made.folder.rglob("*"):
        if path.is_file():
            assert str(tmp_path).encode() not in path.read_bytes(), path


def test_the_recipe_is_rebuilt_with_the_place_of_the_data_set(made, tmp_path):
    _, text = parsed(made.folder)
    assert "magpie build recipe/train.yaml --set source.dataset=PATH" in text
    told = yaml.safe_load((made.folder / "recipe/train.yaml").read_text("utf-8"))
    assert told["source"]["dataset"] == "set.parquet"
    place = f"source.dataset={tmp_path}/data/set.parquet"
    again = load_recipe(made.folder / "recipe/train.yaml", (place,))
    assert again.source.found.rows == 40


def test_a_data_set_of_the_hub_is_named_with_its_commit(made):
    facts = made.facts | {
        "source": made.facts["source"]
        | {"dataset": "org/set", "on_hub": True, "revision": "abc", "split": "train"}
    }
    assert front_matter([facts])["source_datasets"] == ["org/set"]
    assert "source_datasets" not in front_matter([made.facts])


def test_who_judged_before_has_to_be_known_before_publishing(made):
    assert made.facts["licenses"][1] == {
        "model": "org/judge",
        "license": None,
        "name": None,
        "link": None,
        "gave": ["annotations that the data set had"],
        "text": True,
        "files": [],
    }
    assert "licenses: {org/judge: ID}" in license_problem(made.facts)
