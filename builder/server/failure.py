"""Why a server died, in plain words, from its exit status and its last lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from builder.errors import ServerError
from builder.server.launcher_log import plain

LAST_LINES = 5
"""How many of its last lines an error shows; the log has the others."""
LONGEST_LINE = 200
"""Characters of one of them."""


@dataclass(frozen=True)
class Ending:
    """How a container ended.

    `status` is its exit status, `out_of_memory` that the kernel ended it for the memory it took.
    It ran for `seconds`, and `phase` is what it was at: "loading weights". `lines` are its last
    ones, oldest first. `note` is what the engine says of it, mostly nothing.
    """

    status: int
    out_of_memory: bool
    seconds: float
    phase: str
    lines: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Setting:
    """What a mend may have to name: the model, its shards, the log, the host's port."""

    model: str
    revision: str
    shards: int
    log: str
    port: int = 0


@dataclass(frozen=True)
class Reason:
    """A reason, and the mend with the names of `Setting` in braces."""

    marks: str
    words: str
    mend: str


_MORE_ROOM = (
    "use {more_shards} shards (`--set engine.num_shard={more_shards}`) or a smaller "
    "`engine.max_total_tokens`"
)

REASONS = (
    Reason(
        r"CUDA out of memory|cuda\.OutOfMemoryError|torch\.OutOfMemoryError|HIP out of memory"
        r"|CUDA error: out of memory|CUBLAS_STATUS_ALLOC_FAILED|Not enough memory to handle",
        "out of GPU memory",
        _MORE_ROOM,
    ),
    Reason(
        r"shared memory segment|/dev/shm.*No space|failed to extend /dev/shm|insufficient shared"
        r" memory|unable to (?:open|write to|resize) (?:file </)?\S*(?:torch_|shm)|\bBus error\b",
        "its shared memory is too small",
        "give it more: `--set engine.shm_gb=8`",
    ),
    Reason(
        r"GatedRepoError|gated repo|is gated|Access to model \S+ is restricted"
        r"|not in the authorized list|awaiting a review",
        "{model} is gated, and this token has no access to it",
        "accept its licence at https://huggingface.co/{model}, then set HF_TOKEN or run "
        "`hf auth login`",
    ),
    Reason(
        r"RevisionNotFoundError|Revision Not Found|Invalid rev id",
        "{model} has no revision {revision}",
        "see https://huggingface.co/{model}/commits for those it has; mend model.revision",
    ),
    Reason(
        r"Invalid user token|Invalid credentials in Authorization|token .{0,40}(?:expired|invalid)",
        "the Hub does not know this token",
        "set HF_TOKEN to one that is valid, or run `hf auth login`",
    ),
    Reason(
        r"RepositoryNotFoundError|Repository Not Found|not a valid model identifier",
        "there is no model {model} on the Hub, or it is private",
        "mend model.id; for a private model set HF_TOKEN or run `hf auth login`",
    ),
    Reason(
        r"No space left on device|Disk quota exceeded|os error 28\b|Not enough free disk space",
        "the disk is full",
        "make room for the weights (`df -h` shows where), or set HF_HOME to a larger disk",
    ),
    Reason(
        r"driver version is insufficient|unsatisfied condition: cuda|driver on your system is too"
        r" old|Error 80[34]\b|driver/library version mismatch|system has unsupported display",
        "the GPU driver is too old for this image",
        "update the NVIDIA driver (restart after it), or name an older image: "
        "`--set engine.image=NAME:TAG`",
    ),
    Reason(
        r"NotEnoughCUDADevices|invalid device ordinal|CUDA_ERROR_INVALID_DEVICE",
        "the container sees fewer GPUs than it has shards",
        "see `nvidia-smi`; choose engine.gpus and engine.num_shard to fit",
    ),
    Reason(
        r"could not select device driver|nvidia-container-cli|unresolvable CDI|No CUDA GPUs"
        r"|no CUDA-capable device|no NVIDIA driver|libcuda\.so|unknown device.*nvidia",
        "the container sees no GPU",
        "install the NVIDIA Container Toolkit and restart the engine; `docker run --rm --gpus all "
        "ubuntu nvidia-smi` must list the GPUs",
    ),
    Reason(
        r"unexpected argument|unrecognized arguments?|invalid value '|ArgumentValidation"
        r"|required arguments were not provided|unknown flag",
        "the launcher refuses one of its flags",
        "mend the engine section of the recipe; `docker run --rm IMAGE --help` lists the flags",
    ),
    Reason(
        r"must be divisible by `?num_shards?|not divisible by",
        "{model} cannot be divided into {shards} shards",
        "choose another number: `--set engine.num_shard=N`",
    ),
    Reason(
        r"No local weights found|No \.(?:safetensors|bin) weights found",
        "there are no weights in a form that TGI reads (.safetensors)",
        "mend model.id: it has to be a model with .safetensors files",
    ),
    Reason(
        r"port is already allocated|address already in use|ports are not available",
        "port {port} of this machine is taken",
        "choose another: `--set engine.port=0` takes any that is free; `magpie stop --all` ends "
        "servers of ours",
    ),
    Reason(
        r"LocalEntryNotFoundError|OfflineModeIsEnabled|Max retries exceeded|name resolution"
        r"|Network is unreachable|ConnectTimeout|ReadTimeout|ConnectionError",
        "the Hub cannot be reached from the container",
        "connect to the network, or bring the weights: `hf download {model}` where there is one",
    ),
    Reason(
        r"signaled to shutdown with signal 9",
        "a shard was killed, most likely because the machine's memory (not the GPU's) is full",
        "end what else takes memory (`free -h`); fewer shards load less at once",
    ),
    Reason(
        r"exec: .*not found|no such file or directory.*exec|executable file not found",
        "this image cannot be started: it is no image of text-generation-inference",
        "mend engine.image in the recipe",
    ),
)
"""The first that fits is the reason, so what is narrow stands before what is wide."""

_OF_THE_KERNEL = Reason(
    "",
    "out of memory (the machine's, not the GPU's): the kernel killed it",
    "end what else takes memory (`free -h`), or take a machine with more",
)
_BY_STATUS = {
    137: Reason(
        "",
        "killed (signal 9), by somebody or for want of memory",
        "see `free -h` and `journalctl -k | grep -i oom`, then run the same command again",
    ),
    143: Reason("", "stopped by somebody (signal 15)", "run the same command again"),
    139: Reason("", "it crashed (signal 11)", "run the same command again; another image may help"),
    2: Reason(
        "",
        "the launcher refuses one of its flags",
        "mend the engine section of the recipe; `docker run --rm IMAGE --help` lists the flags",
    ),
    0: Reason("", "it ended by itself, without an error", "run the same command again"),
}
_UNKNOWN = Reason("", "for a reason that only its log tells", "run the same command again")


def failure(ending: Ending, setting: Setting) -> ServerError:
    """The error for a server that died: status, seconds, phase, reason, last lines, mend."""
    reason, seen = reason_of(ending)
    names = _names(setting)
    head = (
        f"TGI exited with {ending.status} after {ending.seconds:.0f} s while {ending.phase}: "
        f"{reason.words.format_map(names)}"
    )
    return ServerError(
        head + _quoted(ending.lines, seen), mend=_advice(reason.mend.format_map(names), setting)
    )


def start_failure(said: str, setting: Setting) -> ServerError:
    """The error for a container that the engine could not start; `said` is what it answered."""
    reason = _by_text((said,))[0]
    names = _names(setting)
    if reason is None:
        return ServerError(
            f"the container cannot be started: {said}", mend="Mend that, then run this again."
        )
    return ServerError(
        f"the container cannot be started: {reason.words.format_map(names)} ({said})",
        mend=_sentence(reason.mend.format_map(names)),
    )


def not_ready(phase: str, minutes: float, lines: Sequence[str], setting: Setting) -> ServerError:
    """The error for a server that was still not ready when its time was over."""
    return ServerError(
        f"TGI was not ready after {minutes:g} minutes, while {phase}" + _quoted(lines, ""),
        mend=_advice("give it longer: `--set engine.start_minutes=N`", setting),
    )


def reason_of(ending: Ending) -> tuple[Reason, str]:
    """The reason, and the line that told it ('' for none)."""
    reason, seen = _by_text((*ending.lines, ending.note))
    if reason is not None:
        return reason, seen
    if ending.out_of_memory:
        return _OF_THE_KERNEL, ""
    return _BY_STATUS.get(ending.status, _UNKNOWN), ""


def reason_in_words(ending: Ending, setting: Setting) -> str:
    """The reason alone, for an event or a line of progress."""
    return reason_of(ending)[0].words.format_map(_names(setting))


def _by_text(lines: Sequence[str]) -> tuple[Reason | None, str]:
    for reason in REASONS:
        for line in reversed(lines):
            if re.search(reason.marks, line, re.IGNORECASE):
                return reason, line
    return None, ""


def _names(setting: Setting) -> dict[str, object]:
    return {
        "model": setting.model,
        "revision": setting.revision,
        "shards": setting.shards,
        "more_shards": 2 * max(1, setting.shards),
        "port": setting.port,
    }


def _quoted(lines: Sequence[str], seen: str) -> str:
    """The line that told the reason, and the last ones, below the message."""
    said = [text for line in lines for text in plain(line).splitlines() if text.strip()]
    shown = said[-LAST_LINES:]
    told = plain(seen)
    if told and told not in shown:
        shown = [told, *shown[1:]]
    cut = [text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]}…" for text in shown]
    return "".join(f"\n  | {text}" for text in cut)


def _advice(mend: str, setting: Setting) -> str:
    return f"See {setting.log}; {mend}." if setting.log else _sentence(mend)


def _sentence(mend: str) -> str:
    return f"{mend[0].upper()}{mend[1:]}."
