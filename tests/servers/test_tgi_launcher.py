"""The launcher as a process: its flags, its log, its health, its deaths, its end."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys

import pytest

from tests.servers.asking import ask, until
from tests.servers.tgi import tgi_process
from tests.servers.tgi.flags import read_flags
from tests.servers.tgi.process import ROOT

LONGEST = 30


def launched(*flags):
    """A launcher that ends by itself: its status and stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.servers.tgi", *flags],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--no-such-flag", "1"], "error: unexpected argument '--no-such-flag' found"),
        (["--max-total", "9"], "error: unexpected argument '--max-total' found"),
        (["--num-shard", "two"], "--num-shard"),
        (["--quantize", "int3"], "--quantize"),
        (["stray"], "error: unexpected argument 'stray' found"),
    ],
)
def test_an_unknown_flag_is_bad_usage(flags, words):
    status, stderr = launched(*flags)
    assert status == 2
    assert words in stderr
    assert "Usage: text-generation-launcher" in stderr


@pytest.mark.parametrize(
    "flags",
    [
        ["--max-input-tokens", "100", "--max-total-tokens", "100"],
        ["--max-total-tokens", "100", "--max-input-tokens", "9", "--max-batch-total-tokens", "99"],
    ],
)
def test_flags_that_contradict_each_other_end_it_with_1(flags):
    status, stderr = launched(*flags)
    assert status == 1
    assert stderr.startswith("Error: ArgumentValidation(")


def test_flags_go_before_the_environment_and_that_before_the_defaults():
    told = read_flags(
        ["--num-shard", "2", "--cuda-graphs", "1,2,4", "--port=81"],
        {"NUM_SHARD": "4", "MODEL_ID": "org/name", "JSON_OUTPUT": "true", "PORT": "80"},
    )
    assert (told.num_shard, told.model_id, told.json_output, told.port) == (2, "org/name", True, 81)
    assert told.cuda_graphs == [1, 2, 4]
    assert told.max_concurrent_requests == 128


def test_its_flags_are_what_info_tells():
    flags = ["--model-id", "org/name", "--revision", "abc", "--max-concurrent-requests", "7"]
    flags += ["--max-total-tokens", "300", "--max-input-tokens", "200", "--max-stop-sequences", "9"]
    flags += ["--num-shard", "2", "--disable-custom-kernels", "--usage-stats", "off"]
    with tgi_process(*flags) as server:
        info = ask(f"{server.url}/info").json
        assert (info["model_id"], info["model_sha"]) == ("org/name", "abc")
        limits = ("max_concurrent_requests", "max_total_tokens", "max_input_tokens")
        assert [info[name] for name in limits] == [7, 300, 200]
        assert info["max_stop_sequences"] == 9
        assert sum("Shard ready in" in line for line in server.lines) == 2


def test_the_token_is_in_no_line():
    with tgi_process("--api-key", "sk-1", environ={"HF_TOKEN": "hf_secret"}) as server:
        assert server.ready.is_set()
        assert not any("hf_secret" in line or "sk-1" in line for line in server.lines)


@pytest.mark.parametrize("as_json", [False, True])
def test_the_log_tells_the_phases(as_json):
    with tgi_process(*["--json-output"] * as_json) as server:
        lines = list(server.lines)
    words = [json.loads(line)["fields"]["message"] for line in lines] if as_json else lines
    phases = ["Args", "Starting check and download process for", "Successfully downloaded weights"]
    phases += ["Starting shard", "Shard ready in", "Starting Webserver", "Connected"]
    seen = iter(words)
    assert all(any(phase in line for line in seen) for phase in phases)


def test_the_port_is_closed_until_it_is_ready():
    with tgi_process(environ={"MAGPIE_TEST_DELAY": "1.5"}, wait=False) as server:
        until(lambda: any("Waiting for shard to be ready" in line for line in server.lines))
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", server.port), 1)
        assert server.ready.wait(LONGEST)
        assert ask(f"{server.url}/health").status == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_gracefully(number):
    with tgi_process(pause=None) as server:
        server.kill(number)
        assert server.over.wait(LONGEST)
    assert server.ends == [0]
    assert "webserver terminated" in server.lines[-2]


@pytest.mark.parametrize(
    ("death", "environ", "error", "words"),
    [
        ("gated", {}, "DownloadError", "Cannot access gated repo"),
        ("gated", {"HF_TOKEN": "hf_x"}, "DownloadError", "403 Client Error"),
        ("token-needed", {"HF_TOKEN": ""}, "DownloadError", "401 Client Error"),
        ("no-repo", {}, "DownloadError", "Repository Not Found"),
        ("revision", {}, "DownloadError", "Revision Not Found"),
        ("disk", {}, "DownloadError", "No space left on device"),
        ("oom", {}, "ShardCannotStart", "torch.OutOfMemoryError: CUDA out of memory"),
        ("killed-at-start", {}, "ShardCannotStart", "signaled to shutdown with signal 9"),
        ("warmup", {}, "WebserverFailed", "Not enough memory to handle"),
        ("port", {}, "WebserverFailed", "Address already in use"),
        ("killed-after:0", {}, "ShardFailed", "Shard 0 crashed"),
    ],
)
def test_a_death_says_what_the_launcher_says(death, environ, error, words):
    told = {"MAGPIE_TEST_DEATH": death, "HF_TOKEN": "", **environ}
    with tgi_process(environ=told, pause=None, wait=False) as server:
        assert server.over.wait(LONGEST)
    assert server.ends == [1]
    assert any(words in line for line in server.lines)
    assert f"Error: {error}" in server.lines


def test_a_hostname_that_is_no_address_is_passed_over():
    with tgi_process("--hostname", "c0ffee123456") as server:
        assert ask(f"{server.url}/health").status == 200
        assert any("Invalid hostname, defaulting to 0.0.0.0" in line for line in server.lines)


def test_a_token_is_enough_where_one_is_needed():
    environ = {"MAGPIE_TEST_DEATH": "token-needed", "HF_TOKEN": "hf_x"}
    with tgi_process(environ=environ) as server:
        assert server.ready.is_set()


def test_a_port_that_is_taken_is_told_like_one_by_request():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        flags = ["--port", str(taken.getsockname()[1]), "--hostname", "127.0.0.1"]
        with tgi_process(*flags, pause=None, wait=False) as server:
            assert server.over.wait(LONGEST)
    assert server.ends == [1]
    assert any("Address already in use" in line for line in server.lines)


@pytest.mark.parametrize(
    ("death", "end"), [("after-requests:2", 1), ("sigkill-after-requests:2", -9)]
)
def test_it_can_die_at_a_request_and_only_once(death, end, tmp_path):
    environ = {"MAGPIE_TEST_DEATH": death, "MAGPIE_TEST_DEATH_ONCE": str(tmp_path / "died")}
    with tgi_process(environ=environ, pause=0.0) as server:
        body = {"inputs": "x", "parameters": {"max_new_tokens": 3}}
        assert ask(server.url, body).status == 200
        with pytest.raises(OSError):
            ask(server.url, body)
        until(lambda: bool(server.ends) and server.ready.is_set())
        assert server.ends == [end]
        assert [ask(server.url, body).status for _ in range(3)] == [200] * 3


def test_weights_are_fetched_once_into_the_cache(tmp_path):
    flags = ["--model-id", "org/name", "--huggingface-hub-cache", str(tmp_path)]
    with tgi_process(*flags) as server:
        assert any("Download file" in line for line in server.lines)
    assert (tmp_path / "models--org--name" / "refs" / "main").exists()
    with tgi_process(*flags) as server:
        assert any("Files are already present" in line for line in server.lines)


def test_the_demo_model_is_the_author_unless_told():
    pytest.importorskip("xllamacpp")
    parameters = {"details": True, "do_sample": True, "seed": 3}
    body = {"inputs": "<|start_header_id|>user<|end_header_id|>\n\n", "parameters": parameters}
    with tgi_process("--max-total-tokens", "500", "--max-input-tokens", "400", author="demo") as s:
        (found,) = ask(s.url, body).json
    assert found["details"]["finish_reason"] == "eos_token"
