import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import HfApi
from huggingface_hub.utils import get_session

from tests.servers.hub import COMMIT
from tests.servers.hub.__main__ import main

ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def started(*words):
    """The Hub of a command line; gives the lines that it prints before it serves."""
    command = [sys.executable, "-m", "tests.servers.hub", *map(str, words)]
    lines = 2 if "--writable" in words else 1
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield [process.stdout.readline().strip() for _ in range(lines)]
        finally:
            process.terminate()


def test_a_model_to_read(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with started("--model", "org/model", "--folder", tmp_path, "--token", "hf_x") as lines:
        endpoint = lines[0].removeprefix("export HF_ENDPOINT=")
        info = HfApi(endpoint=endpoint, token="hf_x").model_info("org/model")

    assert (info.sha, info.gated) == (COMMIT, "manual")


def test_data_sets_to_write_over_xet(tmp_path):
    told = ("--writable", tmp_path / "state", "--token", "hf_x", "--user", "ann", "--xet")
    with started(*told) as (endpoint, xet):
        url = endpoint.removeprefix("export HF_ENDPOINT=")
        HfApi(endpoint=url, token="hf_x").create_repo("ann/set", repo_type="dataset")
        asked = f"{url}/api/datasets/ann/set/xet-write-token/main"
        answer = get_session().get(asked, headers={"Authorization": "Bearer hf_x"})
        assert answer.json()["casUrl"].startswith("http://127.0.0.1:")
        assert xet == "export HF_HUB_DISABLE_XET=0"


def test_data_sets_to_write(tmp_path):
    told = ("--writable", tmp_path / "state", "--token", "hf_x", "--user", "ann", "--org", "org")
    for name in ("org/set", "ann/set"):
        with started(*told) as (endpoint, xet):
            api = HfApi(endpoint=endpoint.removeprefix("export HF_ENDPOINT="), token="hf_x")
            assert api.create_repo(name, repo_type="dataset").repo_id == name
            assert api.dataset_info("org/set").id == "org/set"
            assert xet == "export HF_HUB_DISABLE_XET=1"


@pytest.mark.parametrize("words", [["--model", "org/model"], ["--writable", "state"]])
def test_options_that_lack_another(monkeypatch, capsys, words):
    monkeypatch.setattr(sys, "argv", ["hub", *words])

    with pytest.raises(SystemExit):
        main()
    assert "--folder" in capsys.readouterr().err


def test_xet_needs_a_place_for_the_chunks(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["hub", "--xet"])

    with pytest.raises(SystemExit):
        main()
    assert "--xet needs --writable" in capsys.readouterr().err
