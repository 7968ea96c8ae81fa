"""Data sets to compare with, looked at before a row is sampled."""

import json

import huggingface_hub.constants
import polars as pl
import pytest

from builder.cli.doctor_checks import examine
from builder.errors import UsageError
from builder.pipeline import prepare
from builder.recipe.compared import COLUMNS, Found, look_at_compared
from builder.recipe.load import check_recipe, load_recipe
from builder.recipe.resolve import Source
from builder.run.directory import RunDirectory
from tests.recipe.cases import SMALLEST
from tests.servers.hub import COMMIT, running_hub

USED = ", ".join(name for name in COLUMNS if name != "input")
PRE = "template: {pre_query: Q, response_prefix: Q, response_suffix: A, stops: [E], bos: ''}\n"


def write(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def hub(tmp_path, monkeypatch):
    sets = tmp_path / "sets"
    write(sets / "good/train.jsonl", {"prompt": "Bake"})
    write(sets / "bare/train.jsonl", {"label": 3, "input": "x"})
    (sets / "large").mkdir()
    many = pl.DataFrame({"instruction": [f"Request {i} {i**9}" for i in range(60_000)]})
    many.write_parquet(sets / "large/train.parquet", compression="uncompressed")
    write(sets / "long/train.jsonl", *({"data": [f"Request {i}" * 9]} for i in range(9_000)))
    (sets / "none").mkdir()
    (sets / "none/model.bin").touch()
    folders = {f"org/{path.name}": path for path in sets.iterdir()}
    with running_hub("org/model", tmp_path, datasets=folders) as server:
        constants = huggingface_hub.constants
        pattern = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, server.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", pattern)
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield server


@pytest.fixture
def with_sets(recipe_file):
    """The file of a recipe whose map shows these data sets; `more` is put at its end."""

    def make(*names, more=""):
        plots = f"annotate: {{embedding: }}\nplots: {{compare: {json.dumps(names)}}}\n"
        return recipe_file(SMALLEST + PRE + plots + more)

    return make


def faults(path):
    return [str(fault) for fault in check_recipe(path)]


# what lies on this machine


def test_a_set_with_instructions_has_no_fault(with_sets, tmp_path):
    write(tmp_path / "a.jsonl", {"instruction": "Bake"})
    pl.DataFrame({"conversations": [[]]}).write_parquet(tmp_path / "b.parquet")
    assert faults(with_sets("a.jsonl", "./b.parquet", "org/set")) == []


def test_an_only_row_that_is_long_is_read_to_its_end(with_sets, tmp_path):
    write(tmp_path / "a.jsonl", {"n": "long " * 100_000, "prompt": "Bake"})
    assert faults(with_sets("a.jsonl")) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "./gone.jsonl",
            "there is no file or folder gone.jsonl; write one that exists, or ORG/NAME for a data "
            "set of the Hub",
        ),
        (
            "alpca",
            "there is no file or folder alpca; write one that exists, or ORG/NAME for a data set "
            "of the Hub",
        ),
        (
            "model.bin",
            'model.bin has the suffix ".bin"; give one of .parquet, .jsonl, .ndjson, .json, .csv, '
            ".tsv, .txt",
        ),
        (
            "bare.jsonl",
            f"bare.jsonl has none of the columns {USED}: it has input, label; name a data set of "
            "instructions",
        ),
        (
            "empty.jsonl",
            f"empty.jsonl has none of the columns {USED}: it has no rows; name a data set of "
            "instructions",
        ),
    ],
)
def test_a_set_that_no_map_can_show_is_a_fault_of_the_recipe(with_sets, tmp_path, name, message):
    write(tmp_path / "bare.jsonl", {"label": 3, "input": "x"})
    write(tmp_path / "empty.jsonl")
    (tmp_path / "model.bin").touch()
    assert faults(with_sets(name)) == [f"my.yaml:14: plots.compare: {message}"]
    assert faults(with_sets("org/set", name)) == [f"my.yaml:14: plots.compare[1]: {message}"]


def test_a_broken_file_is_a_fault(with_sets, tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and nothing more")
    (fault,) = faults(with_sets("a.parquet"))
    assert fault.startswith("my.yaml:14: plots.compare: a.parquet cannot be read: ")


@pytest.mark.parametrize("off", ["plots.map=false", "annotate.embedding=false"])
def test_a_set_that_no_map_is_drawn_with_is_not_looked_at(with_sets, off):
    path = with_sets("./gone.jsonl")
    assert [str(fault) for fault in check_recipe(path, [off])] == []


# what lies on the Hub


def test_sets_of_the_hub_are_resolved_and_not_downloaded(with_sets, hub, tmp_path):
    path = with_sets("org/good", "org/large", "org/long")
    found = look_at_compared(load_recipe(path), tmp_path)
    assert found == tuple(Found(f"org/{name}", COMMIT) for name in ("good", "large", "long"))
    sizes = [path.stat().st_size for path in (tmp_path / "sets").rglob("train.*")]
    assert sorted(sizes)[-2] > 800_000
    cached = [path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert [name for name in cached if name.startswith("train")] == []


def test_a_set_of_the_hub_in_the_cache_is_looked_at_there(with_sets, hub, tmp_path):
    huggingface_hub.snapshot_download("org/good", repo_type="dataset")
    before = len([line for line in hub.asked if "train.jsonl" in line])
    look_at_compared(load_recipe(with_sets("org/good")), tmp_path)
    assert len([line for line in hub.asked if "train.jsonl" in line]) == before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("org/gone", "plots.compare: there is no data set org/gone on the Hub, or it is private"),
        ("org/none", "plots.compare: org/none holds no file of rows"),
        (
            "org/bare",
            f"plots.compare: org/bare has none of the columns {USED}: it has input, label",
        ),
    ],
)
def test_a_build_stops_before_its_first_row(with_sets, hub, tmp_path, name, message):
    run = RunDirectory(tmp_path / "run")
    with pytest.raises(UsageError) as caught:
        prepare(Source(with_sets(name)), run)
    assert caught.value.message == message
    assert caught.value.mend.endswith("; or do without: --set plots.compare=[]")
    assert caught.value.exit_status == 2
    assert not run.path.exists()


def test_out_of_reach_of_the_hub_it_is_said_so(with_sets, hub, tmp_path):
    path = with_sets("org/good")
    hub.stop()
    with pytest.raises(UsageError, match=r"^plots\.compare: the Hub cannot be reached"):
        look_at_compared(load_recipe(path), tmp_path)


def test_a_run_that_holds_rows_is_not_stopped(with_sets, hub, tmp_path):
    run = RunDirectory(tmp_path / "run")
    write(run.path / "shards/00000/instruct.jsonl", {"row": 0})
    prepare(Source(with_sets("org/gone")), run)


def test_the_doctor_says_what_is_there(with_sets, hub):
    good = {one.what: one for one in examine(Source(with_sets("org/good")))}
    assert good["data sets to compare with"].found == f"org/good at {COMMIT[:12]}"
    bad = {one.what: one for one in examine(Source(with_sets("org/gone")))}
    assert not bad["data sets to compare with"].fine
    assert bad["data sets to compare with"].mend.endswith("--set plots.compare=[]")
    none = {one.what for one in examine(Source(with_sets()))}
    assert "data sets to compare with" not in none
