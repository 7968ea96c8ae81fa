import json

import pytest

from builder.server.launcher_log import plain, step_of, tells_of_a_request

LINES = [
    ("download: text_generation_launcher: Starting check and download process for org/model",
     "checking the weights"),
    ("text_generation_launcher: Download file: model-00001-of-00030.safetensors",
     "downloading weights: model-00001-of-00030.safetensors"),
    ("text_generation_launcher: Download: [3/30] -- ETA: 0:10:05.500000",
     "downloading weights: 3 of 30 files, 0:10:05 left"),
    ("text_generation_launcher: Download: [30/30] -- ETA: 0",
     "downloading weights: 30 of 30 files, 0 left"),
    ("text_generation_launcher: Convert: [1/3] -- Took: 0:00:03",
     "converting weights: 1 of 3 files"),
    ("text_generation_launcher: Files are already present on the host. Skipping download.",
     "checking the weights"),
    ("shard-manager: text_generation_launcher: Starting shard rank=0", "loading weights"),
    ("shard-manager: text_generation_launcher: Waiting for shard to be ready... rank=0",
     "loading weights"),
    ("shard-manager: text_generation_launcher: Shard ready in 41.2s rank=0",
     "loading weights: a shard is ready after 41.2s"),
    ("text_generation_launcher: Starting Webserver", "starting its web server"),
    ("text_generation_router_v3: backends/v3/src/lib.rs:125: Warming up model", "warming up"),
    ("text_generation_router_v3: backends/v3/src/lib.rs:137: Setting max batch total tokens to 9",
     "warming up: room for 9 tokens in a batch"),
    ("text_generation_router::server: router/src/server.rs:2402: Connected",
     "warming up: connected"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "step"), LINES, ids=[step for _, step in LINES])
def test_a_line_tells_how_far_the_launcher_is(line, step):
    moment = "2026-05-23T03:12:17.327895Z"
    assert str(step_of(f"{moment}  INFO {line}")) == step
    coloured = f"\x1b[2m{moment}\x1b[0m \x1b[32m INFO\x1b[0m {line}"
    assert str(step_of(coloured)) == step
    record = {"timestamp": moment, "level": "INFO", "fields": {"message": line.split(": ", 1)[1]}}
    assert str(step_of(json.dumps(record))) == step


@pytest.mark.parametrize("line", ["", "{", "Args {", '    "model_id": "org/model",', "{}"])
def test_other_lines_tell_nothing(line):
    assert step_of(line) is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("2026-05-23T03:12:17.3Z ERROR text_generation_launcher: Shard 0 failed", "Shard 0 failed"),
        ("2026-05-23T03:12:17.3Z  INFO text_generation_router::server: Connected", "Connected"),
        ('{"fields": {"message": "Shard 0 failed"}, "level": "ERROR"}', "Shard 0 failed"),
        (
            "torch.OutOfMemoryError: CUDA out of memory",
            "torch.OutOfMemoryError: CUDA out of memory",
        ),
        ("Error: ShardCannotStart", "Error: ShardCannotStart"),
    ],
)
def test_the_words_of_a_line(line, words):
    assert plain(line) == words


def test_a_line_for_a_request_is_known():
    line = (
        "2026-05-23T03:12:17.3Z  INFO compat_generate{default_return_full_text=true}:generate"
        '{parameters=...}:{total_time="1.2s" validation_time="1ms" queue_time="1ms" '
        'inference_time="1.1s" time_per_token="20ms" seed="None"}: '
        "text_generation_router::server: router/src/server.rs:424: Success"
    )
    assert tells_of_a_request(line)
    assert not tells_of_a_request("INFO text_generation_launcher: Successfully downloaded weights")
