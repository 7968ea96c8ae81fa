"""Texts of deaths as TGI's users have reported them, and what they are said to mean."""

import pytest

from builder.server.failure import (
    Ending,
    Setting,
    failure,
    not_ready,
    reason_in_words,
    start_failure,
)

SETTING = Setting("meta-llama/Meta-Llama-3-70B-Instruct", "main", 1, "RUN/server.log", 8080)
HEAD = "2026-05-23T03:12:22.649807Z ERROR download: text_generation_launcher: "


def died(*lines, status=1, note="", oom=False, phase="loading weights"):
    return Ending(status, oom, 41.2, phase, lines, note)


OUT_OF_GPU = "out of GPU memory"
GATED = "meta-llama/Meta-Llama-3-70B-Instruct is gated, and this token has no access to it"
REASONS = [
    (
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 448.00 MiB. GPU 0 has a "
        "total capacity of 23.69 GiB of which 95.06 MiB is free.",
        OUT_OF_GPU,
    ),
    ("torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 128.00 MiB", OUT_OF_GPU),
    (
        'Error: Backend(Warmup(Generation("Not enough memory to handle 4096 prefill tokens. You '
        'need to decrease `--max-batch-prefill-tokens`")))',
        OUT_OF_GPU,
    ),
    ("Error: Backend(NotEnoughMemory(8192)) Not enough memory to handle `max_total_tokens=8192`",
     OUT_OF_GPU),
    ("RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`",
     OUT_OF_GPU),
    (
        "misc/shmutils.cc:113 NCCL WARN Error while creating shared memory segment "
        "/dev/shm/nccl-H1dBqY (size 9637888)",
        "its shared memory is too small",
    ),
    (
        "Error: failed to extend /dev/shm/nccl-H1dBqY to 9637892 bytes: No space left on device",
        "its shared memory is too small",
    ),
    (
        "huggingface_hub.errors.GatedRepoError: 401 Client Error. (Request ID: Root=1-66)",
        GATED,
    ),
    ("Access to model meta-llama/Meta-Llama-3-70B-Instruct is restricted. You must be "
     "authenticated to access it.", GATED),
    (
        "Your request to access model meta-llama/Meta-Llama-3-70B-Instruct is awaiting a review "
        "from the repo authors.",
        GATED,
    ),
    (
        "huggingface_hub.errors.RevisionNotFoundError: 404 Client Error.",
        "meta-llama/Meta-Llama-3-70B-Instruct has no revision main",
    ),
    (
        "huggingface_hub.errors.RepositoryNotFoundError: 401 Client Error.",
        "there is no model meta-llama/Meta-Llama-3-70B-Instruct on the Hub, or it is private",
    ),
    ("Invalid user token. If you didn't pass a user token, make sure you are properly logged in",
     "the Hub does not know this token"),
    ("OSError: [Errno 28] No space left on device", "the disk is full"),
    ("RuntimeError: Data processing error: CAS service error : IO Error: No space left on device "
     "(os error 28)", "the disk is full"),
    (
        "RuntimeError: The NVIDIA driver on your system is too old (found version 11040).",
        "the GPU driver is too old for this image",
    ),
    ("CUDA driver version is insufficient for CUDA runtime version",
     "the GPU driver is too old for this image"),
    ("RuntimeError: No CUDA GPUs are available", "the container sees no GPU"),
    ("RuntimeError: Found no NVIDIA driver on your system.", "the container sees no GPU"),
    ("Error: NotEnoughCUDADevices(\"`sharded` is true but only found 1 CUDA devices\")",
     "the container sees fewer GPUs than it has shards"),
    ("RuntimeError: CUDA error: invalid device ordinal",
     "the container sees fewer GPUs than it has shards"),
    ("error: unexpected argument '--no-such' found", "the launcher refuses one of its flags"),
    ("error: invalid value 'int3' for '--quantize <QUANTIZE>'",
     "the launcher refuses one of its flags"),
    ('Error: ArgumentValidation("`max_input_tokens must be < `max_total_tokens`")',
     "the launcher refuses one of its flags"),
    (
        "ValueError: `num_heads` must be divisible by `num_shards` (got `num_heads`: 71 and "
        "`num_shards`: 2",
        "meta-llama/Meta-Llama-3-70B-Instruct cannot be divided into 1 shards",
    ),
    ("FileNotFoundError: No local weights found in /model with extension .bin",
     "there are no weights in a form that TGI reads (.safetensors)"),
    ("requests.exceptions.ConnectionError: HTTPSConnectionPool(host='huggingface.co', port=443): "
     "Max retries exceeded with url: /api/models/x (Temporary failure in name resolution)",
     "the Hub cannot be reached from the container"),
    (
        "ERROR shard-manager: text_generation_launcher: Shard process was signaled to shutdown "
        "with signal 9 rank=0",
        "a shard was killed, most likely because the machine's memory (not the GPU's) is full",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("line", "words"), REASONS, ids=[line[:40] for line, _ in REASONS])
def test_a_line_of_the_log_tells_the_reason(line, words):
    around = (HEAD + "Starting", line, HEAD + "Shutting down shards", "Error: ShardCannotStart")
    assert reason_in_words(died(*around), SETTING) == words


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (137, "killed (signal 9), by somebody or for want of memory"),
        (143, "stopped by somebody (signal 15)"),
        (139, "it crashed (signal 11)"),
        (2, "the launcher refuses one of its flags"),
        (0, "it ended by itself, without an error"),
        (1, "for a reason that only its log tells"),
    ],
)
def test_without_a_telling_line_the_status_tells(status, words):
    assert reason_in_words(died("INFO all is well", status=status), SETTING) == words


def test_the_kernel_tells_when_memory_ran_out():
    assert reason_in_words(died(status=137, oom=True), SETTING) == (
        "out of memory (the machine's, not the GPU's): the kernel killed it"
    )


def test_the_whole_error():
    lines = (
        "2026-05-23T03:12:22.6Z  INFO text_generation_launcher: Starting shard rank=0",
        HEAD + "Shard complete standard error output:",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 448.00 MiB.",
        "",
        *(f"  frame {number}" for number in range(3)),
        "\x1b[2m2026-05-23T03:12:22.6Z\x1b[0m \x1b[31mERROR\x1b[0m text_generation_launcher: "
        "Shard 0 failed to start",
        "Error: ShardCannotStart",
    )
    error = failure(died(*lines), SETTING)
    assert error.message == (
        "TGI exited with 1 after 41 s while loading weights: out of GPU memory\n"
        "  | torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 448.00 MiB.\n"
        "  | frame 1\n"
        "  | frame 2\n"
        "  | Shard 0 failed to start\n"
        "  | Error: ShardCannotStart"
    )
    assert error.mend == (
        "See RUN/server.log; use 2 shards (`--set engine.num_shard=2`) or a smaller "
        "`engine.max_total_tokens`."
    )


def test_a_server_without_a_log_file():
    error = failure(died(status=143), Setting("m", "main", 1, ""))
    assert error.message == (
        "TGI exited with 143 after 41 s while loading weights: stopped by somebody (signal 15)"
    )
    assert error.mend == "Run the same command again."


def test_a_long_line_is_cut():
    error = failure(died("x" * 500), SETTING)
    assert error.message.splitlines()[1] == f"  | {'x' * 200}…"


@pytest.mark.parametrize(
    ("said", "message", "mend"),
    [
        (
            "driver failed programming external connectivity on endpoint x: Bind for "
            "127.0.0.1:8080 failed: port is already allocated",
            "port 8080 of this machine is taken",
            "Choose another: `--set engine.port=0`",
        ),
        (
            'could not select device driver "" with capabilities: [[gpu]]',
            "the container sees no GPU",
            "Install the NVIDIA Container Toolkit",
        ),
        (
            "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.4",
            "the GPU driver is too old for this image",
            "Update the NVIDIA driver",
        ),
        (
            'exec: "--model-id": executable file not found in $PATH',
            "this image cannot be started: it is no image of text-generation-inference",
            "Mend engine.image",
        ),
    ],
)
def test_a_container_that_cannot_be_started(said, message, mend):
    error = start_failure(said, SETTING)
    assert error.message == f"the container cannot be started: {message} ({said})"
    assert error.mend.startswith(mend)


def test_a_start_that_fails_for_an_unknown_reason_says_what_the_engine_said():
    assert start_failure("the moon is full", SETTING).message == (
        "the container cannot be started: the moon is full"
    )


def test_one_that_is_never_ready():
    error = not_ready("downloading weights", 60.0, ["Download: [1/30] -- ETA: 1:00:00"], SETTING)
    assert error.message == (
        "TGI was not ready after 60 minutes, while downloading weights\n"
        "  | Download: [1/30] -- ETA: 1:00:00"
    )
    assert error.mend == "See RUN/server.log; give it longer: `--set engine.start_minutes=N`."
