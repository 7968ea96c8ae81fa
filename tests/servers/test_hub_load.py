"""What pulls a data set: datasets in a process of its own, and Polars over plain addresses."""

import json
import os
import subprocess
import sys

import polars as pl
import pytest
from huggingface_hub import CommitOperationAdd, HfApi

from tests.servers.hub import Account, writable_hub
from tests.servers.hub.client import environment, point_here

TOKEN = "hf_writer"
NAME = "org/set"
CARD = """---
license: mit
configs:
- config_name: filtered
  default: true
  data_files:
  - {split: air, path: filtered/air-*}
  - {split: pro, path: filtered/pro-*}
- config_name: raw
  data_files:
  - {split: air, path: raw/air-*}
---
# A card
"""
LOAD = """
import json, sys
from datasets import load_dataset
found = []
for name, more in json.loads(sys.argv[1]):
    try:
        rows = load_dataset(name, **more)
        if "split" not in more:
            rows = {split: list(part["n"]) for split, part in rows.items()}
        else:
            rows = [row["n"] for row in rows]
        found.append(rows)
    except Exception as error:
        found.append(type(error).__name__)
print(json.dumps(found))
"""


def parquet(numbers):
    import io

    file = io.BytesIO()
    pl.DataFrame({"n": numbers}).write_parquet(file)
    return file.getvalue()


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    ann = Account(TOKEN, "ann", orgs={"org": "write"})
    with writable_hub(folder / "state", ann) as server, pytest.MonkeyPatch.context() as patch:
        point_here(patch, server, folder / "home", TOKEN)
        api = HfApi(endpoint=server.url, token=TOKEN)
        api.create_repo(NAME, repo_type="dataset")
        for version, more in (("v1.0.0", 0), ("v2.0.0", 10)):
            files = {
                "README.md": CARD.encode(),
                "filtered/air-00000-of-00001.parquet": parquet([1 + more, 2 + more]),
                "filtered/pro-00000-of-00002.parquet": parquet([3 + more]),
                "filtered/pro-00001-of-00002.parquet": parquet([4 + more]),
                "raw/air-00000-of-00001.parquet": parquet(list(range(1000 + more))),
            }
            made = api.create_commit(
                NAME,
                [CommitOperationAdd(path, body) for path, body in files.items()],
                commit_message=version,
                repo_type="dataset",
            )
            api.create_tag(NAME, tag=version, revision=made.oid, repo_type="dataset")
        api.create_repo("org/hidden", repo_type="dataset", private=True)
        yield server


def loaded(hub, home, *asked, token=TOKEN):
    """What datasets loads: (name, options) of `load_dataset` -> the numbers, or an error's name."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD, json.dumps(asked)],
        env=os.environ | environment(hub, home, token),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_each_config_split_and_version_loads_streaming_and_not(hub, tmp_path):
    found = loaded(
        hub,
        tmp_path,
        (NAME, {"revision": "v1.0.0"}),
        (NAME, {"split": "pro"}),
        (NAME, {"split": "pro", "streaming": True, "revision": "v1.0.0"}),
        (NAME, {"name": "raw", "split": "air", "revision": "v1.0.0"}),
        (NAME, {"name": "raw", "split": "air", "streaming": True}),
        (NAME, {"name": "none"}),
        (NAME, {"revision": "v9"}),
        ("org/none", {}),
    )

    assert found[0] == {"air": [1, 2], "pro": [3, 4]}
    assert found[1:3] == [[13, 14], [3, 4]]
    assert [len(rows) for rows in found[3:5]] == [1000, 1010]
    assert found[5:] == ["ValueError", "DatasetNotFoundError", "DatasetNotFoundError"]


def test_a_private_data_set_is_not_there_without_a_token(hub, tmp_path):
    assert loaded(hub, tmp_path, ("org/hidden", {}), token=None) == ["DatasetNotFoundError"]


def test_polars_reads_ranges_of_a_plain_address(hub):
    mark = hub.log.mark()
    address = f"{hub.url}/datasets/{NAME}/resolve/v1.0.0/raw/air-00000-of-00001.parquet"
    rows = pl.scan_parquet(address).filter(pl.col("n") >= 998).collect()

    assert rows["n"].to_list() == [998, 999]
    got = [asked for asked in hub.log.since(mark) if asked.route == "lfs-get"]
    assert 206 in {asked.status for asked in got}
    addresses = [
        f"{hub.url}/datasets/{NAME}/resolve/main/filtered/pro-0000{number}-of-00002.parquet"
        for number in range(2)
    ]
    assert pl.read_parquet(addresses)["n"].to_list() == [13, 14]
