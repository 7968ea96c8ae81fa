from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub.utils import _http

from builder.release.push import hub as hub_module
from builder.release.push import publish as publish_module
from tests.servers.hub import Account, Fault, Hub, writable_hub
from tests.servers.hub.client import point_here

TOKEN = "hf_writer"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    clock = SimpleNamespace(sleep=lambda _: None, time=time.time)
    for module in (_http, hub_module):
        monkeypatch.setattr(module, "time", clock)
    rows = {"filtered": {"train": 40}, "raw": {"train": 47}}
    monkeypatch.setattr(publish_module, "read_back", lambda *_: rows)
    account = Account(TOKEN, "ann", orgs={"acme": "write"})
    with writable_hub(tmp_path / "hub", account) as server:
        point_here(monkeypatch, server, tmp_path / "home", TOKEN)
        yield server


def tags(hub: Hub, name: str = "acme/set") -> list[str]:
    return sorted(hub.shelves.find("datasets", name).tags)


def test_publish_to_the_hub(built, hub):
    said = built("publish", "tiny", "--to", "acme/set")
    assert said.status == 0, said.err
    assert "Published to acme/set: v1.0.0, commit " in said.out
    assert "Read back and compared: filtered/train 40 rows, raw/train 47 rows" in said.out
    assert 'datasets.load_dataset("acme/set", split="train", revision="v1.0.0")' in said.out
    assert tags(hub) == ["v1.0.0"]
    assert TOKEN not in said.out + said.err


def test_publish_again_says_that_it_is_done(built, hub):
    built("publish", "tiny", "--to", "acme/set")
    said = built("publish", "tiny", "--to", "acme/set")
    assert said.status == 0
    assert "Nothing to publish: v1.0.0 of acme/set holds this release already" in said.out
    assert "Read back" not in said.out
    said = built("publish", "tiny", "--to", "acme/set", "--dry-run")
    assert said.out == "Nothing to publish: v1.0.0 of acme/set holds this release already\n"


def test_publish_is_noted_in_the_run(built, hub, here: Path):
    built("publish", "tiny", "--to", "acme/set")
    events = (here / "runs/tiny/events.jsonl").read_text()
    assert '"event":"published"' in events.replace(": ", ":")
    assert TOKEN not in events


def test_publish_as_json(built, hub):
    said = built("publish", "tiny", "--to", "acme/set", "--private", "--version", "3.0.0", "--json")
    told = said.document
    assert (told["to"], told["tag"], told["new"]) == ("acme/set", "v3.0.0", True)
    assert told["plan"]["private"] is True
    assert told["plan"]["parent"]
    assert hub.shelves.find("datasets", "acme/set").private


def test_a_dry_run_shows_the_plan_and_the_card(built, hub):
    said = built("publish", "tiny", "--to", "acme/set", "--dry-run")
    assert said.status == 0
    assert "v1.0.0 (first release)" in said.out
    assert "new, public" in said.out
    assert "filtered/train-00000-of-00001.parquet" in said.out
    assert "+++ README.md" in said.out
    assert "lines more: --json has them all" in said.out
    assert hub.shelves.find("datasets", "acme/set") is None
    told = built("publish", "tiny", "--to", "acme/set", "--dry-run", "--json").document
    assert (told["dry_run"], told["plan"]["version"]) == (True, "1.0.0")


def test_what_is_missing_is_said_at_once(built, hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_stale")
    said = built("publish", "tiny", "--to", "acme/set")
    assert said.status == 1
    assert said.err.startswith(
        "error: runs/tiny/release cannot be published to acme/set yet: 1 thing is in the way\n"
        "  login: the Hub does not accept the token."
    )
    assert "hf_stale" not in said.err


def test_a_version_that_is_too_low_is_bad_usage(built, hub):
    said = built("publish", "tiny", "--to", "acme/set", "--version", "0.1.0")
    assert said.status == 2
    assert "--version 0.1.0 is too low: the content asks for 1.0.0 (the first release)" in said.err


def test_a_hub_that_does_not_answer(built, hub):
    hub.faults.strike(Fault("error", status=503), route="commit", times=100)
    said = built("publish", "tiny", "--to", "acme/set")
    assert said.status == 1
    assert "the Hub does not answer well, tried often enough: commit to acme/set: " in said.err
    assert "Run the same command again: it finishes what is begun" in said.err
    assert "did not answer well" in said.err  # it was told while it waited
    hub.faults.clear()
    assert built("publish", "tiny", "--to", "acme/set").status == 0
    assert tags(hub) == ["v1.0.0"]


def test_without_a_place_to_go(built, hub):
    said = built("publish", "tiny")
    assert said.status == 2
    assert said.err.startswith("error: the recipe names no repository")


def test_the_recipe_says_where_to(say, hub, here: Path):
    recipe = here / "tiny.yaml"
    more = "publish: {repo: acme/told, split: pro}\n"
    recipe.write_text(recipe.read_text() + more)
    assert say("build", "tiny.yaml").status == 0
    assert say("publish", "tiny").status == 0
    assert tags(hub, "acme/told") == ["v1.0.0"]


@pytest.mark.parametrize("option", [["--private"], ["--version", "1.0.0"], ["--dry-run"]])
def test_options_of_a_repository_mean_nothing_for_a_folder(built, here: Path, option):
    said = built("publish", "tiny", "--to", "./out", *option)
    assert said.status == 2
    assert "is for a repository on the Hub, and --to ./out is a folder" in said.err
    assert not (here / "out").exists()


def test_what_could_be_a_folder_or_a_repository_is_not_guessed(built, hub, here: Path):
    (here / "acme").mkdir()
    said = built("publish", "tiny", "--to", "acme/set")
    assert said.status == 2
    assert said.err.startswith("error: --to acme/set could be a repository or a folder: acme is")
    assert "Write --to hf://datasets/acme/set or --to ./acme/set" in said.err
    assert hub.shelves.find("datasets", "acme/set") is None
    assert built("publish", "tiny", "--to", "./acme/set").status == 0
    assert (here / "acme/set/README.md").exists()
    assert built("publish", "tiny", "--to", "hf://datasets/acme/set").status == 0
    assert tags(hub) == ["v1.0.0"]


def test_an_address_is_no_repository(built, here: Path):
    said = built("publish", "tiny", "--to", "https://huggingface.co/datasets/acme/set")
    assert said.status == 2
    assert "Write ORG/NAME, or hf://datasets/ORG/NAME, or ./DIR." in said.err


def test_an_empty_version_is_none(built, hub):
    said = built("publish", "tiny", "--to", "acme/set", "--version", "")
    assert said.status == 2
    assert "--version  is no version" in said.err


def test_a_version_that_was_wished_for_in_vain_is_told(built, hub):
    built("publish", "tiny", "--to", "acme/set")
    said = built("publish", "tiny", "--to", "acme/set", "--version", "9.5.0")
    assert said.status == 0
    assert "holds this release already, so there is no 9.5.0" in said.out
    assert tags(hub) == ["v1.0.0"]


def test_to_nowhere(built):
    said = built("publish", "tiny", "--to", "")
    assert said.status == 2
    assert said.err.startswith("error: --to is empty")
