"""Texts of licences from folders, and from a gated model of the Hub as its real client reads it."""

import contextlib

import pytest
from huggingface_hub import constants

from builder.recipe.license_files import license_files
from tests.select.tiny_run import recipe
from tests.servers.hub import COMMIT, running_hub

MODEL = "some-lab/llama"
TEXT = b"META LLAMA 3 COMMUNITY LICENSE AGREEMENT\n"
PINNED = {"id": MODEL, "revision": COMMIT, "license": "llama3"}


@pytest.fixture
def gated(tmp_path, monkeypatch):
    """A gated model behind a Hub; `with gated() as hub:` speaks to it with a fresh cache."""
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / "LICENSE").write_bytes(TEXT)
    (folder / "notice.txt").write_bytes(b"Built so.")
    (folder / "tokenizer_config.json").write_text("{}")

    @contextlib.contextmanager
    def reach(token=None):
        with running_hub(MODEL, folder, token="hf_let_in") as server:
            pattern = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, server.url)
            monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", pattern)
            monkeypatch.setattr(constants, "ENDPOINT", server.url)
            monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
            monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
            monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
            monkeypatch.delenv("HF_TOKEN", raising=False)
            if token:
                monkeypatch.setenv("HF_TOKEN", token)
            yield server

    return reach


def test_a_gated_model_gives_its_texts_to_a_token_that_was_let_in(gated, tmp_path, monkeypatch):
    with gated("hf_let_in"):
        found = license_files(recipe(model=PINNED), tmp_path)
    assert found == {MODEL: {"LICENSE": TEXT, "notice.txt": b"Built so."}}
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert license_files(recipe(model=PINNED), tmp_path) == found


@pytest.mark.parametrize("token", [None, "hf_stranger"])
def test_a_gated_model_gives_a_stranger_nothing(gated, tmp_path, token):
    with gated(token):
        assert license_files(recipe(model=PINNED), tmp_path) == {}


def test_texts_beside_the_recipe_stand_in_and_win(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    beside = tmp_path / "licenses" / MODEL
    beside.mkdir(parents=True)
    (beside / "LICENSE").write_bytes(TEXT)
    (beside / "else.txt").write_bytes(b"no licence")
    assert license_files(recipe(model=PINNED), tmp_path) == {MODEL: {"LICENSE": TEXT}}
    own = tmp_path / "models" / "llama"
    own.mkdir(parents=True)
    (own / "LICENSE").write_bytes(b"an old one")
    at_home = tmp_path / "licenses" / "llama"
    at_home.mkdir()
    (at_home / "LICENSE").write_bytes(TEXT)
    in_folder = {"id": str(own), "license": "llama3"}
    assert license_files(recipe(model=in_folder), tmp_path) == {str(own): {"LICENSE": TEXT}}


def test_models_that_servers_name_have_texts_beside_the_recipe_alone(tmp_path):
    beside = tmp_path / "licenses" / "RLHFlow" / "ArmoRM-Llama3-8B-v0.1"
    beside.mkdir(parents=True)
    (beside / "LICENSE").write_bytes(TEXT)
    reward = {"endpoint": "http://n:1", "model": "RLHFlow/ArmoRM-Llama3-8B-v0.1"}
    chosen = recipe(annotate={"reward": reward}, rules={})
    assert license_files(chosen, tmp_path) == {reward["model"]: {"LICENSE": TEXT}}


def test_what_is_permissive_has_no_texts_and_what_forbids_commerce_has(tmp_path):
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "LICENSE").write_bytes(b"words")
    for key, files in (("mit", {}), ("cc-by-nc-4.0", {str(folder): {"LICENSE": b"words"}})):
        chosen = recipe(model={"id": str(folder), "license": key})
        assert license_files(chosen, tmp_path) == files
