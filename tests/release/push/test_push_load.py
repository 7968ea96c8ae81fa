"""What readers get: `load_dataset`, Polars, and what we read back before we say published."""

import json
import subprocess
import sys

import polars as pl
import pytest

from builder.release.push import fresh, publish, verify
from builder.release.push.refusals import PublishError
from tests.release.push.conftest import REPO, TOKEN
from tests.servers.hub import Fault
from tests.servers.hub.client import environment

pytestmark = pytest.mark.slow

LOAD = """
import json, sys
import datasets
datasets.disable_progress_bars()
found = {}
for revision in sys.argv[2].split():
    for config in (None, "filtered", "raw"):
        for streaming in (False, True):
            where = sys.argv[1], *([config] if config else [])
            loaded = datasets.load_dataset(*where, revision=revision, streaming=streaming)
            found[f"{revision} {config} {streaming}"] = {
                split: {"rows": [one["row"] for one in data], "types": str(data.features)}
                for split, data in loaded.items()
            }
json.dump(found, sys.stdout)
"""


def test_every_config_split_and_version_loads_streaming_and_not(reading_back, made, hub, tmp_path):
    reading_back(made("pro", 3))
    reading_back(made("air", 2))
    done = reading_back(made("pro", 5))
    assert done.rows == {"filtered": {"air": 2, "pro": 5}, "raw": {"air": 2, "pro": 5}}
    call = [sys.executable, "-c", LOAD, REPO, "v1.0.0 v1.1.0 v1.2.0"]
    told = environment(hub, tmp_path / "reader")
    done = subprocess.run(call, env=told, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    assert len(found) == 3 * 3 * 2
    rows = {"v1.0.0": {"pro": 3}, "v1.1.0": {"air": 2, "pro": 3}, "v1.2.0": {"air": 2, "pro": 5}}
    for name, splits in found.items():
        revision, config, _ = name.split()
        told = {split: list(range(count)) for split, count in rows[revision].items()}
        assert {split: one["rows"] for split, one in splits.items()} == told
        types = {one["types"] for one in splits.values()}
        assert len(types) == 1
        assert ("drop_reason" in types.pop()) == (config == "raw")


def test_polars_reads_a_version_over_http(publisher, made, hub):
    publisher(made("pro", 3))
    publisher(made("pro", 5))
    for tag, rows in (("v1.0.0", 3), ("v1.1.0", 5)):
        url = f"{hub.url}/datasets/{REPO}/resolve/{tag}/filtered/pro-00000-of-00001.parquet"
        assert pl.read_parquet(url)["row"].to_list() == list(range(rows))


def test_what_was_read_back_is_not_read_again(reading_back, made, hub):
    folder = made("pro", 3)
    first = reading_back(folder)
    mark = hub.log.mark()
    again = reading_back(folder)
    assert (again.rows, again.commit) == ({}, first.commit)
    assert "lfs-get" not in [asked.route for asked in hub.log.since(mark)]
    reading_back.known.clear()
    assert reading_back(folder).rows == first.rows


def test_a_download_that_breaks_is_tried_again(reading_back, made, hub):
    hub.faults.strike(Fault("error", status=404), route="lfs-get", times=1)
    done = reading_back(made("pro", 3))
    assert done.rows["filtered"] == {"pro": 3}
    assert [said for said in reading_back.said if "loading it again" in said]


def test_what_does_not_read_back_is_not_called_published(reading_back, made, hub, seen):
    hub.faults.strike(Fault("error", status=404), route="lfs-get", times=1000)
    with pytest.raises(PublishError) as caught:
        reading_back(made("pro", 3))
    assert caught.value.message.startswith(f"v1.0.0 stands on {REPO}, and filtered does not read")
    assert reading_back.known == set()
    assert not list(reading_back.scratch.iterdir())
    hub.faults.clear()
    assert reading_back(made("pro", 3)).rows["raw"] == {"pro": 3}
    assert seen().tags == {"v1.0.0": seen().head}


def test_it_is_told_how_far_reading_back_is(reading_back, made, hub, monkeypatch):
    monkeypatch.setattr(fresh, "LOOK_EVERY", 0.02)
    read = []
    reading_back.watching = {"read": lambda done, everything: read.append((done, everything))}
    folder = made("pro", 3)
    reading_back(folder)
    sizes = [path.stat().st_size for path in sorted(folder.glob("*/pro-*.parquet"))]
    parts = [[done for done, everything in read if everything == size] for size in sizes]
    assert len(read) == sum(len(part) for part in parts)
    for part, size in zip(parts, sizes, strict=True):
        assert (part[0], part[-1]) == (0, size)
        assert part == sorted(part)
        assert len(part) > 5


def test_a_download_that_hangs_comes_to_an_end(reading_back, made, hub, monkeypatch):
    monkeypatch.setattr(fresh, "SPARE_SECONDS", 0.3)
    with pytest.raises(PublishError, match="load_dataset was not done after 0 s") as caught:
        reading_back(made("pro", 3))
    assert caught.value.mend.startswith("Run the same command again")
    assert not list(reading_back.scratch.iterdir())


def test_a_flipped_bit_is_found(reading_back, made, hub, seen, monkeypatch):
    """One that spoils no row: the client and `load_dataset` say nothing."""
    folder = made("pro", 3)
    with monkeypatch.context() as patch:
        patch.setattr(publish, "read_back", lambda *_: {})
        reading_back(folder)
    reading_back.known.clear()
    entry = seen().repository.commit(seen().head).files["raw/pro-00000-of-00001.parquet"]
    file = seen().repository.large(entry.sha256)
    file.write_bytes(file.read_bytes().replace(b"parquet-cpp", b"parquet-bpp"))
    with pytest.raises(
        PublishError, match=f"a file came with other bytes than {entry.sha256[:12]}"
    ):
        reading_back(folder)


def test_what_a_killed_process_left_of_reading_back_is_swept(tmp_path):
    (tmp_path / f"{verify.SCRATCH}abc").mkdir()
    (tmp_path / "run.json").write_text("{}")
    verify.sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_an_old_cache_does_not_answer_for_the_hub(reading_back, made, hub, tmp_path, monkeypatch):
    """HF_HUB_OFFLINE and a cache of the person's own are left out of reading back."""
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "mine"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "mine"))
    reading_back(made("pro", 3))
    assert not (tmp_path / "mine").exists()
    assert TOKEN not in "".join(reading_back.said)
