"""All that is missing on a machine, said at once; and a machine that has all of it."""

import os
import shutil
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from huggingface_hub import constants

from builder.errors import PrerequisiteError
from builder.recipe.engine_spec import OpenAIEngineSpec, TgiEngineSpec
from builder.recipe.load import load_recipe
from builder.server.needs.container_engine import look_at_engine
from builder.server.needs.disk import Wanted, disk_findings
from builder.server.needs.endpoints import endpoint_findings
from builder.server.needs.finding import Finding, size
from builder.server.needs.ports import port_finding
from builder.server.needs.prerequisites import Look, check_machine, refuse_missing
from tests.server.docker_api import docker_api
from tests.server.hub import GOOD, running_hub
from tests.servers.embedding.server import embedding_server

pytest.importorskip("docker", reason="the package docker is not installed")

NVIDIA = {"Runtimes": {"runc": {}, "nvidia": {}}, "DockerRootDir": "/", "CDISpecDirs": ["/nowhere"]}
TOKENS = "engine.max_total_tokens=4096"
SMI = "0, NVIDIA A100-SXM4-80GB, 81920, 81050, 550.54.15"


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """No container engine, no GPU, nobody logged in, an empty cache, and no Hub."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return tmp_path


@pytest.fixture
def port():
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


ALONE = (
    "annotate.embedding=false",
    "annotate.neighbours=false",
    "annotate.reward=false",
    "rules.response.rewarded=",
)
"""The recipe without what asks servers that somebody else has to start."""


def recipe(*sets, alone=ALONE):
    return load_recipe("magpie-pro", ["target.sampled=1000", *alone, *sets])


def lines(findings):
    return [str(finding) for finding in findings]


def test_all_that_is_missing_is_said_at_once(bare, port):
    findings = check_machine(recipe(f"engine.port={port}"))

    with pytest.raises(PrerequisiteError) as error:
        refuse_missing(findings, "magpie-pro")
    assert str(error.value).splitlines() == [
        "magpie-pro cannot be built here yet: 4 things are missing",
        "container engine: no engine for containers answers "
        f"(unix://{bare}/docker.sock: not there). Start Docker (`sudo systemctl start docker`) or "
        "Podman's socket (`systemctl --user start podman.socket`), set DOCKER_HOST for another "
        "one, or name servers that run already: `--endpoint URL`.",
        "GPUs: nvidia-smi is not there: no NVIDIA driver is installed. Build on a machine with "
        "NVIDIA GPUs, use servers that run elsewhere (`--endpoint URL`), or rehearse without a "
        "model (`--engine scripted`)",
        "token: no HF_TOKEN and no stored login, and meta-llama/Meta-Llama-3-70B-Instruct is "
        "gated. Accept its licence at "
        "https://huggingface.co/meta-llama/Meta-Llama-3-70B-Instruct, then export HF_TOKEN=..., "
        "or: hf auth login",
        "access: http://127.0.0.1:9 cannot be reached, and the cache lacks "
        "meta-llama/Meta-Llama-3-70B-Instruct at main. Connect to the network, or give a folder "
        "as model.id",
        "`magpie doctor magpie-pro` shows all that was looked at.",
    ]


def test_servers_of_annotators_that_do_not_answer_are_named_too(bare):
    with embedding_server() as embeddings:
        there = f"annotate.embedding.endpoint={embeddings.url}"
        nowhere = "annotate.reward.endpoint=http://127.0.0.1:9"
        findings = check_machine(recipe(there, nowhere, alone=()))

    asked = [one for one in findings if one.what.startswith("server of ")]
    assert [(one.what, one.fine) for one in asked] == [
        ("server of embedding", True),
        ("server of reward", False),
    ]
    assert str(asked[1]) == (
        "server of reward: http://127.0.0.1:9: no answer (Connection refused). Start the server, "
        "or mend annotate.reward.endpoint, or do without: `--set annotate.reward=false`, and the "
        "rules on its columns"
    )


def test_nothing_missing_is_nothing_said():
    refuse_missing([Finding("disk", fine=True, found="roomy")])


def test_a_hub_that_hangs_is_not_waited_for_when_something_else_is_missing(bare, monkeypatch):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")

        findings = check_machine(recipe())

    assert [one.what for one in findings if not one.fine] == ["container engine", "GPUs", "token"]
    assert "access" not in [one.what for one in findings]


def put_smi(bare, out):
    tool = bare / "bin" / "nvidia-smi"
    tool.write_text(f'#!/bin/sh\necho "{out}"\n')
    tool.chmod(0o755)


def test_a_machine_that_has_it_all(bare, monkeypatch, port):
    put_smi(bare, SMI)
    monkeypatch.setenv("HF_TOKEN", GOOD)
    sets = ("model.id=org/gated", f"engine.port={port}", "engine.image=mine:1", TOKENS)
    with running_hub() as hub, docker_api(NVIDIA, ["NVIDIA_VISIBLE_DEVICES=all"]) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        hub_address = f"http://127.0.0.1:{hub.server_port}"
        pattern = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(
            "https://huggingface.co", hub_address
        )
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", pattern)
        monkeypatch.setattr(constants, "ENDPOINT", hub_address)
        findings = check_machine(recipe(*sets), look=Look(rows=bare))

    *most, disk = findings
    assert [(one.fine, str(one)) for one in most] == [
        (True, f"container engine: Docker 28.1.0 at {address}; mine:1 is there"),
        (True, "GPUs: 1 x NVIDIA A100-SXM4-80GB (85.9 GB each), driver 550.54.15"),
        (True, "GPU runtime: the engine knows the runtime nvidia"),
        (True, "shared memory: 1 GB a container"),
        (True, f"ports: {port} free on 127.0.0.1"),
        (True, "token: a Hub token is set"),
        (True, "access: granted to org/gated at main, which is gated"),
        (
            True,
            "GPU memory: gated needs 16.1 GB for its weights and 537 MB for one request of 4,096 "
            "tokens; 1 x NVIDIA A100-SXM4-80GB has 85.9 GB, 76.4 GB of it for a model: fits, with "
            "room for 112 such requests at once",
        ),
    ]
    assert disk.found.partition("free, ")[2] == (
        f"about 16.1 GB needed: 12 MB for rows in {bare}, 16.1 GB for weights in {bare}/cache"
    )


def test_an_image_that_is_made_for_cpus_needs_no_gpu(bare, monkeypatch, port):
    with docker_api({"Runtimes": {"runc": {}}, "DockerRootDir": "/"}, ["PATH=/bin"]) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        model = ("model.id=demo", "engine.image=tiny:1", f"engine.port={port}")
        folder = Path(load_recipe.__code__.co_filename).parents[1] / "demo_model"
        findings = check_machine(recipe(*model), folder, Look(rows=bare))

    assert [(one.what, one.fine) for one in findings] == [
        ("container engine", True),
        ("GPUs", True),
        ("shared memory", True),
        ("ports", True),
        ("memory", True),
        ("disk", True),
    ]
    assert findings[1].found == "none used: tiny:1 asks for no NVIDIA device"


def test_the_image_of_tgi_takes_room_too(bare, monkeypatch):
    with docker_api({**NVIDIA, "DockerRootDir": str(bare)}, None) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        findings = check_machine(recipe(), look=Look(rows=bare))

    assert findings[0].found == (
        f"Docker 28.1.0 at {address}; "
        "ghcr.io/huggingface/text-generation-inference:3.3.5 is to be pulled"
    )
    assert findings[-1].found.endswith(f"20.0 GB for the image in {bare}")


def test_shards_need_shared_memory(bare):
    put_smi(bare, f"{SMI}\n1{SMI[1:]}")

    findings = check_machine(recipe("engine.shm_gb=0.5"))

    assert "shared memory: 0.5 GB a container, and NCCL needs 1 GB between 2 shards. " in (
        f"{findings[2]} "
    )
    huge = check_machine(recipe("engine.shm_gb=1024", "engine.replicas=64"))
    assert [one.fine for one in huge if one.what == "shared memory"] == [False]


@pytest.mark.docker
def test_the_engine_of_this_machine_tells_of_itself():
    view = look_at_engine("nobody/no-such-image:0")
    if not view.finding.fine:
        pytest.skip(view.finding.found)

    assert view.finding.found.endswith("; nobody/no-such-image:0 is to be pulled")
    assert (view.image_env, view.root is not None) == (None, True)


def test_engines_of_this_process_need_no_server():
    assert check_machine(load_recipe("demo")) == []


def tgi(**options):
    return TgiEngineSpec(kind="tgi", **options)


def test_a_port_that_is_held_names_its_process():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        name = Path("/proc/self/comm").read_text().strip()

        assert str(port_finding(tgi(port=port), frozenset())) == (
            f"ports: {port} is held by {name} (pid {os.getpid()}). "
            "Stop it, or `--set engine.port=0` takes one that is free"
        )
        assert str(port_finding(tgi(port=port), frozenset({port}))) == (
            f"ports: {port} free on 127.0.0.1"
        )


@pytest.mark.parametrize(
    ("options", "fine", "found"),
    [
        ({"port": 0, "replicas": 8}, True, "any that are free"),
        ({"port": 65535, "replicas": 2}, False, "65535 to 65536: there is none above 65535"),
    ],
)
def test_ports_without_a_look(options, fine, found):
    finding = port_finding(tgi(**options), frozenset())

    assert (finding.fine, finding.found) == (fine, found)


def test_what_is_written_on_one_disk_is_added_up(tmp_path):
    free = shutil.disk_usage(tmp_path).free
    half = free // 2 + 2**30

    (finding,) = disk_findings(
        [Wanted("rows", tmp_path, half), Wanted("weights", tmp_path / "not" / "yet", half)]
    )

    assert (finding.fine, finding.mend) == (
        False,
        "Make room, or write elsewhere: `--run DIR`, HF_HUB_CACHE=DIR",
    )
    assert finding.found.endswith(
        f"{size(half)} for rows in {tmp_path}, {size(half)} for weights in {tmp_path}/not/yet"
    )
    assert disk_findings([Wanted("rows", tmp_path, 0)])[0].fine


class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        statuses = self.server.statuses  # type: ignore[attr-defined]
        if self.headers.get("Authorization") == "Bearer key":
            statuses = {"/health": 200}
        self.send_response(statuses.get(self.path, 404))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    httpd = HTTPServer(("127.0.0.1", 0), Server)
    httpd.statuses = {"/health": 200}  # type: ignore[attr-defined]
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield httpd
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.mark.parametrize(
    ("statuses", "fine", "said"),
    [
        ({"/health": 200}, True, "answers"),
        ({"/v1/models": 200}, True, "answers"),
        (
            {"/health": 503},
            False,
            "is not ready (503). Wait until it has loaded its model, or see its log",
        ),
        (
            {"/v1/models": 401},
            False,
            "wants a key that it knows (401). Name the variable that holds its key: "
            "`--set engine.api_key_env=NAME`",
        ),
        (
            {},
            False,
            "has neither /health nor /v1/models. The address ends before /v1 and /generate, such "
            "as http://localhost:8080",
        ),
    ],
)
def test_a_server_that_runs_already(statuses, fine, said, server):
    server.statuses = statuses
    url = f"http://127.0.0.1:{server.server_port}"

    (finding,) = endpoint_findings(tgi(endpoint=[url]))

    assert (finding.fine, str(finding)) == (fine, f"endpoint: {url} {said}")


def test_a_key_is_sent_and_never_shown(server, monkeypatch):
    server.statuses = {"/health": 401}
    monkeypatch.setenv("MY_KEY", "key")
    url = f"http://user:secret@127.0.0.1:{server.server_port}/v1"
    spec = OpenAIEngineSpec(kind="openai", endpoint=[url], api_key_env="MY_KEY")

    assert lines(endpoint_findings(spec)) == [
        f"endpoint: http://127.0.0.1:{server.server_port}/v1 answers"
    ]
    monkeypatch.delenv("MY_KEY")
    assert lines(endpoint_findings(spec)) == [
        "endpoint: engine.api_key_env names MY_KEY, and this environment variable is not set. "
        "Put the key there: export MY_KEY=..."
    ]


def test_no_container_is_looked_for_when_a_server_is_named(bare):
    findings = check_machine(recipe("engine.endpoint=http://127.0.0.1:9"))

    assert lines(findings) == [
        "endpoint: http://127.0.0.1:9: no answer (Connection refused). "
        "Start the server, or mend engine.endpoint"
    ]
