"""The whole life of a container, with the real engine and an image that speaks TGI's protocol."""

import io
import json
import urllib.request
from contextlib import redirect_stderr, redirect_stdout

import pytest

from builder.errors import ServerError, UsageError
from tests.server.stage import TOKEN

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def get(endpoint, path):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(endpoint + path, timeout=10) as answer:
        return answer.status, answer.read()


def test_from_no_container_to_no_container(stage):
    spec = stage.spec(max_total_tokens=512, max_input_tokens=256, max_concurrent_requests=7)
    with stage.serving(spec) as running:
        (endpoint,) = running.served.endpoints
        assert get(endpoint, "/health")[0] == 200
        info = json.loads(get(endpoint, "/info")[1])
        assert (info["max_total_tokens"], info["max_input_tokens"]) == (512, 256)
        assert info["max_concurrent_requests"] == 7
        assert running.served.upkeep.returning(endpoint) is False
        (container,) = stage.containers()
        details = container.attrs
    assert running.names == (container.name,)
    assert running.record == {
        "image": spec.image,
        "image_id": details["Image"],
        "digest": running.record["digest"],
        "command": details["Config"]["Cmd"],
        "gpus": [[]],
        "replicas": 1,
    }
    assert stage.engine.podman or running.record["digest"] is None  # in no registry
    assert stage.containers() == []
    assert stage.names() == ["server-started", "server-ready", "server-stopped"]
    log = stage.log()
    assert "Connected" in log
    assert all(line.startswith(f"{container.name} | ") for line in log.splitlines())
    assert f"starting {container.name}" in stage.told


def test_what_the_container_gets(stage, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example.org")
    with stage.serving(stage.spec(shm_gb=0.25)) as running:
        (container,) = stage.containers()
        details = container.attrs
    host, config = details["HostConfig"], details["Config"]
    port = running.served.endpoints[0].rpartition(":")[2]
    assert host["PortBindings"] == {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": port}]}
    assert host["ShmSize"] == 2**28
    assert not host["DeviceRequests"]
    assert host["RestartPolicy"]["Name"] in ("", "no")
    mounts = {mount["Destination"]: mount for mount in details["Mounts"]}
    assert mounts["/data"]["Source"] == str(stage.folder / "hub")
    assert mounts["/data"]["RW"] is True
    assert mounts["/model"]["RW"] is False
    environment = dict(line.split("=", 1) for line in config["Env"])
    assert environment["HF_ENDPOINT"] == "https://hub.example.org"
    assert environment["HF_HUB_CACHE"] == environment["HUGGINGFACE_HUB_CACHE"] == "/data"
    assert environment["HF_TOKEN"] == TOKEN
    labels = {key: value for key, value in config["Labels"].items() if key.startswith("magpie.")}
    assert labels.pop("magpie.plan")
    assert labels == {
        "magpie.owner": "build",
        "magpie.run": str(stage.run),
        "magpie.recipe": "play",
        "magpie.replica": "0",
        "magpie.scope": stage.scope,
    }


def test_the_token_is_in_the_environment_and_nowhere_else(stage, capfd):
    spec = stage.spec(launcher=("--watermark-gamma", TOKEN))  # a flag that the server logs
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), stage.serving(spec) as running:
        (container,) = stage.containers()
        assert TOKEN in container.logs().decode()
        details = container.attrs
    assert f"HF_TOKEN={TOKEN}" in details["Config"]["Env"]
    del details["Config"]["Env"]
    outside = [details["Config"]["Labels"], details["Name"], details["HostConfig"], running.names]
    assert TOKEN not in json.dumps(outside)
    assert TOKEN not in stage.log()
    assert "(hidden)" in stage.log()
    assert TOKEN not in out.getvalue() + err.getvalue() + "".join(capfd.readouterr())
    assert TOKEN not in "".join(stage.told)


def test_weights_go_to_the_cache_of_this_machine(stage):
    spec = stage.spec()
    with stage.serving(spec, model_id="org/model", model_folder=None, revision="abc"):
        pass
    hub = stage.folder / "hub" / "models--org--model"
    assert (hub / "refs" / "abc").is_file()
    assert "Download: [1/1]" in stage.log()
    with stage.serving(spec, model_id="org/model", model_folder=None, revision="abc"):
        pass
    assert stage.log().count("Download: [1/1]") == 1
    assert "Files are already present on the host" in stage.log()


def test_replicas_answer_on_ports_of_their_own(stage):
    with stage.serving(stage.spec(replicas=2)) as running:
        assert len(set(running.served.endpoints)) == 2
        for endpoint in running.served.endpoints:
            assert get(endpoint, "/health")[0] == 200
        assert {c.labels["magpie.replica"] for c in stage.containers()} == {"0", "1"}
    assert running.record["gpus"] == [[], []]
    assert stage.names().count("server-started") == stage.names().count("server-stopped") == 2
    assert {line.partition(" | ")[0] for line in stage.log().splitlines()} == set(running.names)
    assert any(words.startswith(("0 of 2", "1 of 2")) for words in stage.told)


@pytest.mark.parametrize("error", [ValueError("ours"), KeyboardInterrupt()])
def test_whatever_ends_the_block_ends_the_container(stage, error):
    with pytest.raises(type(error)), stage.serving():
        assert len(stage.containers()) == 1
        raise error
    assert stage.containers() == []
    assert stage.names()[-1] == "server-stopped"


def test_ctrl_c_while_it_loads_ends_the_container(stage):
    def tell(words):
        stage.told.append(words)
        if words == "loading weights":
            raise KeyboardInterrupt

    spec = stage.spec(image=stage.variant(DEATH="never-ready"))
    stage.told_by = tell
    with pytest.raises(KeyboardInterrupt), stage.serving(spec):
        pytest.fail("it became ready")
    assert stage.told[-1] == "loading weights"
    assert stage.names() == ["server-started", "server-stopped"]


DEATHS = [
    ("gated", "checking the weights", "demo is gated, and this token has no access to it"),
    ("no-repo", "checking the weights", "there is no model demo on the Hub, or it is private"),
    ("revision", "checking the weights", "demo has no revision main"),
    ("disk", "checking the weights", "the disk is full"),
    ("oom", "loading weights", "out of GPU memory"),
    ("warmup", "warming up", "out of GPU memory"),
    (
        "killed-at-start",
        "loading weights",
        "a shard was killed, most likely because the machine's memory (not the GPU's) is full",
    ),
]


@pytest.mark.parametrize(("death", "phase", "reason"), DEATHS, ids=[d[0] for d in DEATHS])
def test_a_death_while_loading_is_told_in_plain_words(stage, death, phase, reason):
    spec = stage.spec(image=stage.variant(DEATH=death, AUTHOR="scripted"))
    with pytest.raises(ServerError) as caught, stage.serving(spec):
        pytest.fail("it became ready")
    first = caught.value.message.splitlines()[0]
    assert first.startswith("TGI exited with 1 after ")
    assert first.endswith(f" s while {phase}: {reason}")
    assert caught.value.message.splitlines()[-1].startswith("  | ")
    assert caught.value.mend.startswith(f"See {stage.run}/server.log; ")
    assert stage.containers() == []
    assert stage.names() == ["server-started", "server-stopped"]


def test_json_lines_are_read_like_plain_ones(stage):
    spec = stage.spec(
        image=stage.variant(DEATH="oom", AUTHOR="scripted"), launcher=("--json-output",)
    )
    with pytest.raises(ServerError, match=r"while loading weights: out of GPU memory"):
        stage.serving(spec).__enter__()


def test_a_flag_that_the_launcher_refuses(stage):
    with pytest.raises(ServerError) as caught, stage.serving(stage.spec(launcher=("--no-such",))):
        pytest.fail("it became ready")
    first = caught.value.message.splitlines()[0]
    assert first.startswith("TGI exited with 2 after ")
    assert first.endswith(" s while starting: the launcher refuses one of its flags")
    assert "--no-such" in caught.value.message


def test_one_that_is_never_ready_is_given_up_in_time(stage):
    spec = stage.spec(image=stage.variant(DEATH="never-ready"), start_minutes=0.1)
    with pytest.raises(ServerError) as caught, stage.serving(spec):
        pytest.fail("it became ready")
    assert caught.value.message.splitlines()[0] == (
        "TGI was not ready after 0.1 minutes, while loading weights"
    )
    assert "`--set engine.start_minutes=N`" in caught.value.mend


def test_a_port_that_is_taken(stage):
    with stage.serving() as running:
        port = int(running.served.endpoints[0].rpartition(":")[2])
        other = stage.another()
        with pytest.raises(ServerError) as caught, other.serving(other.spec(port=port)):
            pytest.fail("it became ready")
    assert caught.value.message.startswith(
        f"the container cannot be started: port {port} of this machine is taken ("
    )
    assert "`--set engine.port=0`" in caught.value.mend


def test_a_dead_replica_ends_the_start_of_the_others(stage):
    spec = stage.spec(image=stage.variant(DEATH="oom", AUTHOR="scripted"), replicas=2)
    with pytest.raises(ServerError, match="out of GPU memory"), stage.serving(spec):
        pytest.fail("they became ready")
    assert stage.containers() == []


def test_gpus_on_an_engine_without_any(stage):
    with pytest.raises(ServerError) as caught, stage.serving(stage.spec(gpus=(0,))):
        pytest.fail("it became ready")
    assert caught.value.message.startswith(
        "the container cannot be started: the container sees no GPU ("
    )
    assert "NVIDIA Container Toolkit" in caught.value.mend


def test_gpus_that_cannot_be_dealt_out(stage):
    with pytest.raises(UsageError, match=r"3 GPUs \(0, 1, 2\) cannot be dealt out evenly to 2"):
        stage.serving(stage.spec(gpus=(0, 1, 2), replicas=2)).__enter__()


def test_an_image_that_nobody_has(stage):
    with pytest.raises(ServerError) as caught:
        stage.serving(stage.spec(image="127.0.0.1:9/no/such:1")).__enter__()
    assert caught.value.message.startswith(
        "the image 127.0.0.1:9/no/such:1 cannot be pulled: the registry cannot be reached ("
    )
    assert stage.told[0] == "pulling 127.0.0.1:9/no/such:1"


def test_a_full_run_directory_does_not_end_the_server(stage):
    stage.run.mkdir()
    (stage.run / "server.log").symlink_to("/dev/full")
    with stage.serving() as running:
        assert get(running.served.endpoints[0], "/health")[0] == 200
