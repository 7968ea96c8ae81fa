import json
import os
from pathlib import Path

import pytest

from builder.errors import UsageError
from builder.recipe.engine_spec import TgiEngineSpec
from builder.server.image import Image
from builder.server.plan import (
    Place,
    ServeRequest,
    deal_out,
    plan_replica,
    secret_values,
)

TOKEN = "hf_a-token-that-nobody-may-see"
IMAGE = Image("ghcr.io/org/tgi:3", "sha256:abc", "ghcr.io/org/tgi@sha256:def")
HUB = ServeRequest("org/model", "0a1b", "air", run=Path("/runs/air"))


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in list(os.environ):
        if "proxy" in name.lower() or name.startswith(("HF_", "HUGGING", "MAGPIE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HF_TOKEN", TOKEN)


def plan(request=HUB, *, port=8080, gpus=(), replica=0, image=IMAGE, **keys):
    spec = TgiEngineSpec(kind="tgi", **keys)
    return plan_replica(spec, request, image, Place(replica, port, gpus, Path("/hub")))


def test_the_command_holds_what_the_recipe_says_and_nothing_else():
    assert plan().command == (
        *("--model-id", "org/model", "--revision", "0a1b"),
        *("--hostname", "0.0.0.0", "--port", "80", "--usage-stats", "off"),
    )


def test_every_option_of_the_recipe_is_a_flag():
    options = {
        "quantize": "eetq",
        "dtype": "bfloat16",
        "max_concurrent_requests": 1,
        "max_stop_sequences": 2,
        "max_input_tokens": 3,
        "max_total_tokens": 4,
        "max_batch_prefill_tokens": 5,
        "max_batch_total_tokens": 6,
    }
    command = plan(**options, num_shard=2, gpus=(0, 1), launcher=("--cuda-graphs", "1,2")).command
    assert command[4:] == (
        *("--num-shard", "2", "--quantize", "eetq", "--dtype", "bfloat16"),
        *("--max-concurrent-requests", "1", "--max-stop-sequences", "2"),
        *("--max-input-tokens", "3", "--max-total-tokens", "4"),
        *("--max-batch-prefill-tokens", "5", "--max-batch-total-tokens", "6"),
        *("--hostname", "0.0.0.0", "--port", "80", "--usage-stats", "off"),
        *("--cuda-graphs", "1,2"),
    )


def test_a_model_is_spread_over_all_gpus_that_the_replica_was_dealt():
    assert plan(gpus=(2, 3)).command[4:6] == ("--num-shard", "2")
    assert plan(gpus=(2, 3)).gpus == (2, 3)
    assert plan(gpus=(2, 3), num_shard=1).command[4:6] == ("--num-shard", "1")


def test_more_shards_than_gpus_are_refused():
    with pytest.raises(UsageError, match=r"engine\.num_shard is 4, and a replica gets 2 GPUs"):
        plan(gpus=(2, 3), num_shard=4)


@pytest.mark.parametrize(
    ("gpus", "replicas", "hands"),
    [
        ((0, 1, 2, 3), 1, [(0, 1, 2, 3)]),
        ((0, 1, 2, 3), 2, [(0, 1), (2, 3)]),
        ((7, 5), 2, [(7,), (5,)]),
        ((), 3, [(), (), ()]),
    ],
)
def test_gpus_are_dealt_out_evenly(gpus, replicas, hands):
    assert deal_out(gpus, replicas) == hands


@pytest.mark.parametrize(("gpus", "replicas"), [((0, 1, 2), 2), ((0, 1), 3)])
def test_gpus_that_cannot_be_dealt_out_are_refused_with_both_numbers(gpus, replicas):
    with pytest.raises(UsageError) as caught:
        deal_out(gpus, replicas)
    assert caught.value.message.startswith(f"{len(gpus)} GPUs (")
    assert caught.value.message.endswith(f" {replicas} replicas")


def test_the_hubs_cache_is_mounted_where_every_version_of_tgi_looks():
    made = plan()
    assert [(str(m.source), m.target, m.read_only) for m in made.mounts] == [
        ("/hub", "/data", False)
    ]
    assert made.environment == {
        "HF_HOME": "/tmp/huggingface",
        "HF_HUB_CACHE": "/data",
        "HUGGINGFACE_HUB_CACHE": "/data",
    }


def test_a_model_in_a_folder_is_mounted_read_only_and_has_no_revision():
    made = plan(ServeRequest("./mine", "main", "air", Path("/models/mine"), Path("/runs/air")))
    assert made.command[:2] == ("--model-id", "/model")
    assert "--revision" not in made.command
    mount = made.mounts[1]
    assert (mount.source, mount.target, mount.read_only) == (Path("/models/mine"), "/model", True)


def test_a_snapshot_of_the_cache_is_mounted_with_the_blobs_that_it_links_to():
    folder = Path("/hub/models--org--model/snapshots/0a1b")
    made = plan(ServeRequest(str(folder), "main", "air", folder, Path("/runs/air")))
    assert made.command[:2] == ("--model-id", "/model/snapshots/0a1b")
    assert made.mounts[1].source == Path("/hub/models--org--model")


def test_what_leads_to_the_hub_is_handed_on(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example.org")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("https_proxy", "http://me:secret@proxy:3128")
    monkeypatch.setenv("NO_PROXY", "localhost")
    made = plan()
    assert made.environment["HF_ENDPOINT"] == "https://hub.example.org"
    assert made.environment["HF_HUB_OFFLINE"] == "1"
    assert made.secrets == {
        "https_proxy": "http://me:secret@proxy:3128",
        "NO_PROXY": "localhost",
        "HF_TOKEN": TOKEN,
    }
    assert set(secret_values()) == {"http://me:secret@proxy:3128", TOKEN}


def test_the_token_is_nowhere_but_in_the_secrets():
    made = plan()
    assert made.secrets == {"HF_TOKEN": TOKEN}
    seen = [made.labels, made.command, repr(made), made.describe(), made.name, made.environment]
    assert TOKEN not in json.dumps([str(part) for part in seen])
    assert made.describe()["secrets"] == ["HF_TOKEN"]


def test_the_labels_name_the_run():
    labels = dict(plan(replica=1).labels)
    assert len(labels.pop("magpie.plan")) == 16
    assert labels == {
        "magpie.owner": "build",
        "magpie.run": "/runs/air",
        "magpie.recipe": "air",
        "magpie.replica": "1",
        "magpie.scope": f"uid-{os.getuid()}",
    }
    stays = plan(ServeRequest("org/model", "0a1b", "air")).labels
    assert (stays["magpie.owner"], stays["magpie.run"]) == ("serve", "")


def test_a_name_can_be_read_and_is_never_given_twice():
    names = {plan().name for _ in range(20)}
    assert len(names) == 20
    assert all(name.startswith("magpie-air-0-") for name in names)


def test_the_fingerprint_does_not_change_with_port_token_run_and_owner(monkeypatch):
    first = plan().fingerprint
    assert plan(port=9000).fingerprint == first
    assert plan(ServeRequest("org/model", "0a1b", "other")).fingerprint == first
    monkeypatch.setenv("HF_TOKEN", "hf_another")
    assert plan().fingerprint == first


@pytest.mark.parametrize(
    "change",
    [
        {"gpus": (0,)},
        {"shm_gb": 2.0},
        {"dtype": "float16"},
        {"launcher": ("--trust-remote-code",)},
        {"image": Image("ghcr.io/org/tgi:3", "sha256:other", None)},
        {"request": ServeRequest("org/model", "ffff", "air")},
        {"request": ServeRequest("org/else", "0a1b", "air")},
    ],
    ids=str,
)
def test_the_fingerprint_changes_with_all_else(change):
    assert plan(**change).fingerprint != plan().fingerprint
