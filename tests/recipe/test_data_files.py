import huggingface_hub.constants
import polars as pl
import pytest

from builder.errors import UsageError
from builder.recipe.data_files import DataFiles, data_files
from tests.servers.hub import COMMIT, running_hub

CARD = """---
license: mit
configs:
- config_name: raw
  data_files:
  - split: air
    path: raw/air-*
  - split: pro
    path: raw/pro-*
- config_name: filtered
  default: true
  data_files:
  - split: air
    path: filtered/air-*
  - split: pro
    path: [filtered/pro-00000*, "filtered/pro-00001*"]
---
# A card
"""


def fill(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"text": "a"}\n', encoding="utf-8")
    return folder


def names_of(folder, files):
    return [path.relative_to(folder).as_posix() for path in files.paths]


def with_card(folder, card=CARD):
    fill(
        folder,
        "raw/air-00000-of-00001.jsonl",
        "raw/pro-00000-of-00001.jsonl",
        "filtered/air-00000-of-00001.jsonl",
        "filtered/pro-00000-of-00002.jsonl",
        "filtered/pro-00001-of-00002.jsonl",
        "recipe/pro.yaml",
        "facts/pro.json",
    )
    (folder / "README.md").write_text(card, encoding="utf-8")
    return folder


@pytest.fixture
def hub(tmp_path, monkeypatch):
    folders = {
        "org/set": with_card(tmp_path / "set"),
        "org/plain": fill(tmp_path / "plain", "train.jsonl", "test.jsonl"),
        "org/odd": fill(tmp_path / "odd", "data[1].jsonl", "data1.jsonl"),
        "org/none": fill(tmp_path / "none", "model.bin"),
    }
    with running_hub("org/model", tmp_path, datasets=folders) as server:
        constants = huggingface_hub.constants
        pattern = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, server.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", pattern)
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield server


def test_a_file_is_itself(tmp_path):
    fill(tmp_path, "rows.jsonl")

    assert data_files("rows.jsonl", tmp_path) == DataFiles((tmp_path / "rows.jsonl",), "")


@pytest.mark.parametrize(
    ("names", "split", "chosen"),
    [
        (["b.jsonl", "a.jsonl"], None, ["a.jsonl", "b.jsonl"]),
        (["b.jsonl", "a.jsonl"], "train", ["a.jsonl", "b.jsonl"]),
        (["train.csv", "test.csv"], "test", ["test.csv"]),
        (["train.csv", "test.csv"], None, ["test.csv", "train.csv"]),
        (["my_train_1.csv", "my_dev.csv"], "validation", ["my_dev.csv"]),
        (["contest.csv", "latest.csv"], "train", ["contest.csv", "latest.csv"]),
        (["test/a.csv", "training/b.csv"], "train", ["training/b.csv"]),
        (
            ["data/pro-00000-of-00002.parquet", "data/pro-00001-of-00002.parquet"],
            "pro",
            ["data/pro-00000-of-00002.parquet", "data/pro-00001-of-00002.parquet"],
        ),
        (["a.parquet", "b.parquet", "requirements.txt"], None, ["a.parquet", "b.parquet"]),
        (["a.parquet", "a.csv"], None, ["a.parquet"]),
        (["a.jsonl", "dataset_infos.json", ".cache/b.jsonl"], None, ["a.jsonl"]),
    ],
)
def test_files_of_a_folder_without_card_are_told_by_their_names(tmp_path, names, split, chosen):
    folder = fill(tmp_path / "set", *names)

    assert names_of(folder, data_files("set", tmp_path, split=split)) == chosen


@pytest.mark.parametrize(
    ("config", "split", "chosen"),
    [
        ("raw", "pro", ["raw/pro-00000-of-00001.jsonl"]),
        ("raw", None, ["raw/air-00000-of-00001.jsonl", "raw/pro-00000-of-00001.jsonl"]),
        (
            None,
            "pro",
            ["filtered/pro-00000-of-00002.jsonl", "filtered/pro-00001-of-00002.jsonl"],
        ),
    ],
)
def test_the_card_says_which_files_belong_to_a_config_and_a_split(tmp_path, config, split, chosen):
    folder = with_card(tmp_path / "set")

    assert names_of(folder, data_files("set", tmp_path, config, split)) == chosen


def test_all_configs_are_taken_where_none_is_the_default(tmp_path):
    folder = with_card(tmp_path / "set", CARD.replace("  default: true\n", ""))

    assert len(data_files("set", tmp_path).paths) == 5
    assert names_of(folder, data_files("set", tmp_path, split="air")) == [
        "raw/air-00000-of-00001.jsonl",
        "filtered/air-00000-of-00001.jsonl",
    ]


@pytest.mark.parametrize(
    ("said", "chosen"),
    [
        ("data_files: b.csv", ["b.csv"]),
        ('data_files: ["a.csv", "*.csv"]', ["a.csv", "b.csv"]),
        ('data_files: "**/*.csv"', ["a.csv", "b.csv", "in/c.csv"]),
        ("data_files: '*.csv'\n  data_dir: in", ["in/c.csv"]),
        ('data_files: "[!a].csv"', ["b.csv"]),
    ],
)
def test_patterns_of_a_card(tmp_path, said, chosen):
    folder = fill(tmp_path / "set", "a.csv", "b.csv", "in/c.csv")
    card = f"---\nconfigs:\n- config_name: default\n  {said}\n---\n"
    (folder / "README.md").write_text(card, encoding="utf-8")

    assert names_of(folder, data_files("set", tmp_path)) == chosen


@pytest.mark.parametrize(
    ("name", "config", "split", "message"),
    [
        (
            "set",
            "mt",
            None,
            "set has no config mt\nit has raw, filtered",
        ),
        ("set", None, "test", "set has no split test\nit has air, pro"),
        (
            "bare",
            None,
            None,
            "bare holds no file of rows\n"
            "files that can be read end in .parquet, .jsonl, .ndjson, .json, .csv, .tsv, .txt",
        ),
        (
            "bare/model.bin",
            None,
            None,
            'bare/model.bin has the suffix ".bin"\n'
            "give one of .parquet, .jsonl, .ndjson, .json, .csv, .tsv, .txt",
        ),
        (
            "rows/gone.jsonl",
            None,
            None,
            "there is no file or folder rows/gone.jsonl\n"
            "write one that exists, or ORG/NAME for a data set of the Hub",
        ),
        (
            "./gone",
            None,
            None,
            "there is no file or folder gone\n"
            "write one that exists, or ORG/NAME for a data set of the Hub",
        ),
    ],
)
def test_what_is_not_there(tmp_path, monkeypatch, name, config, split, message):
    monkeypatch.chdir(tmp_path)
    with_card(tmp_path / "set")
    fill(tmp_path / "bare", "model.bin")

    with pytest.raises(UsageError) as error:
        data_files(name, tmp_path.relative_to(tmp_path), config, split)
    assert str(error.value) == message


def test_a_card_that_is_no_yaml(tmp_path):
    folder = with_card(tmp_path / "set", "---\nconfigs: [\n---\n")

    with pytest.raises(UsageError) as error:
        data_files("set", tmp_path)
    assert error.value.message.startswith("the card of set is no YAML: ")
    assert error.value.mend == f"mend {folder / 'README.md'}"


def test_a_data_set_of_the_hub_is_downloaded_at_its_commit(tmp_path, hub):
    files = data_files("org/set", tmp_path, "filtered", "pro")

    assert files.revision == COMMIT
    assert [path.name for path in files.paths] == [
        "pro-00000-of-00002.jsonl",
        "pro-00001-of-00002.jsonl",
    ]
    assert pl.read_ndjson(files.paths[0]).rows() == [("a",)]


def test_only_files_that_are_needed_are_fetched(tmp_path, hub):
    data_files("org/set", tmp_path, "filtered", "pro")

    fetched = {line.split("/")[-1] for line in hub.asked if "resolve" in line}
    assert fetched == {"README.md", "pro-00000-of-00002.jsonl", "pro-00001-of-00002.jsonl"}


def test_a_data_set_without_card_is_told_by_names(tmp_path, hub):
    files = data_files("org/plain", tmp_path, split="test")

    assert [path.name for path in files.paths] == ["test.jsonl"]


def test_signs_of_patterns_in_a_name_are_letters(tmp_path, hub):
    files = data_files("org/odd", tmp_path)

    assert [path.name for path in files.paths] == ["data1.jsonl", "data[1].jsonl"]
    assert all(path.is_file() for path in files.paths)


def test_a_folder_of_ones_own_wins_over_the_hub(tmp_path, hub):
    folder = fill(tmp_path / "org" / "set", "mine.jsonl")

    assert data_files("org/set", tmp_path) == DataFiles((folder / "mine.jsonl",), "")


@pytest.mark.parametrize(
    ("name", "revision", "message"),
    [
        (
            "org/gone",
            None,
            "there is no data set org/gone on the Hub, or it is private\n"
            "mend the name; for a private data set set HF_TOKEN or run `hf auth login`",
        ),
        (
            "org/set",
            "v9",
            "the data set org/set has no revision v9\n"
            "see https://huggingface.co/datasets/org/set/commits",
        ),
        (
            "org/none",
            None,
            "org/none holds no file of rows\n"
            "files that can be read end in .parquet, .jsonl, .ndjson, .json, .csv, .tsv, .txt",
        ),
    ],
)
def test_what_the_hub_refuses(tmp_path, hub, name, revision, message):
    with pytest.raises(UsageError) as error:
        data_files(name, tmp_path, revision=revision)
    assert str(error.value) == message


def test_a_gated_data_set_names_the_page_that_gives_access(tmp_path, hub):
    hub.token = "hf_secret"

    with pytest.raises(UsageError) as error:
        data_files("org/set", tmp_path)
    assert str(error.value) == (
        "the data set org/set is gated, and this token has no access to it\n"
        "ask for access at https://huggingface.co/datasets/org/set, "
        "then set HF_TOKEN or run `hf auth login`"
    )


def test_the_token_opens_a_gated_data_set(tmp_path, hub, monkeypatch):
    hub.token = "hf_secret"
    monkeypatch.setenv("HF_TOKEN", "hf_secret")

    assert len(data_files("org/set", tmp_path).paths) == 3


def test_the_cache_serves_when_the_hub_is_out_of_reach(tmp_path, hub, monkeypatch):
    first = data_files("org/set", tmp_path)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)

    assert data_files("org/set", tmp_path) == first


@pytest.mark.parametrize("name", ["org/set", "org/plain"])
def test_a_half_download_is_none_when_the_hub_is_out_of_reach(tmp_path, hub, monkeypatch, name):
    if name == "org/set":
        data_files("org/set", tmp_path, "raw")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)

    with pytest.raises(UsageError) as error:
        data_files(name, tmp_path)
    assert str(error.value) == (
        f"the Hub cannot be reached, and the cache does not hold all of the data set {name}\n"
        "connect to the network, unset HF_HUB_OFFLINE, or give a folder with its files"
    )
