"""`magpie doctor`: what it looks at for each kind of engine, and what it ends with."""

import socket

import pytest
from huggingface_hub import constants

from builder.cli.doctor_checks import examine
from builder.recipe.resolve import Source

pytest.importorskip("docker", reason="the package docker is not installed")


@pytest.fixture
def bare(here, monkeypatch):
    """A machine without container engine, GPU, login and Hub."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{here}/docker.sock")
    monkeypatch.setenv("PATH", str(here))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(here / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(here / "token"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    text = (here / "tiny.yaml").read_text(encoding="utf-8")
    tgi = text.replace("{kind: scripted, concurrency: 4}", f"{{kind: tgi, port: {port}}}")
    (here / "tgi.yaml").write_text(tgi, encoding="utf-8")
    return here


def marks(recipe, *sets):
    return [(one.what, one.fine) for one in examine(Source(recipe, sets))]


def test_a_recipe_of_this_process_needs_no_server(bare):
    assert marks("tiny.yaml") == [
        ("python", True),
        ("recipe", True),
        ("disk", True),
        ("token", True),
        ("template", True),
        ("engine", True),
    ]


def test_a_recipe_that_starts_containers(bare):
    assert marks("tgi.yaml") == [
        ("python", True),
        ("recipe", True),
        ("container engine", False),
        ("GPUs", False),
        ("shared memory", True),
        ("ports", True),
        ("token", True),
        ("access", False),
        ("disk", True),
        ("template", True),
    ]


def test_a_template_of_a_model_that_cannot_be_read_is_not_tried(bare):
    text = (bare / "tgi.yaml").read_text(encoding="utf-8")
    start, end = text.index("template:"), text.index("engine:")
    (bare / "derived.yaml").write_text(text[:start] + text[end:], encoding="utf-8")

    last = examine(Source("derived.yaml"))[-1]

    assert str(last) == "template: not derived: its model cannot be read"


def test_a_recipe_whose_server_runs_already(bare):
    assert marks("tgi.yaml", "engine.endpoint=http://127.0.0.1:9") == [
        ("python", True),
        ("recipe", True),
        ("endpoint", False),
        ("disk", True),
        ("token", True),
        ("template", True),
    ]


def test_a_recipe_with_faults(bare):
    assert marks("tgi.yaml", "engine.ports=1") == [("python", True), ("recipe", False)]


def test_what_the_command_ends_with(bare, say):
    fine, failed = say("doctor", "tiny.yaml"), say("doctor", "tgi.yaml")

    assert (fine.status, failed.status) == (0, 1)
    assert failed.err.splitlines()[-1] == (
        "error: tgi.yaml cannot be built here yet: container engine, GPUs, access"
    )


def test_the_document_holds_every_finding(bare, say):
    document = say("doctor", "tiny.yaml", "--json").document

    assert [one["what"] for one in document] == [
        "python",
        "recipe",
        "disk",
        "token",
        "template",
        "engine",
    ]
    assert document[-1] == {
        "what": "engine",
        "fine": True,
        "found": "scripted, 4 requests at once",
        "mend": "",
    }
