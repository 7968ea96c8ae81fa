"""What a recipe may say about its engine. Each kind has its own options and refuses the others'."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from builder.spec import Spec, as_tuple, one_or_many


def first_gpus(value: object) -> object:
    """Take a number of GPUs for the indices of the first ones."""
    counted = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 64
    return tuple(range(value)) if counted else as_tuple(value)  # type: ignore[call-overload]


KINDS = "embedded, openai, scripted or tgi"

TGI_IMAGE = "ghcr.io/huggingface/text-generation-inference:3.3.5"
"""The last image that TGI's own documentation names."""

_SECONDS = "a number of seconds, above 0 and at most 86400"
_WHOLE = "a whole number, 1 or more"


class EngineBase(Spec):
    """What every engine may be told."""

    endpoint: Annotated[tuple[str, ...], BeforeValidator(one_or_many)] = Field(
        default=(), description="one address such as http://localhost:8080, or a list of them"
    )
    """Addresses of servers that run already, http or https."""
    concurrency: int | None = Field(
        default=None, ge=1, le=65_536, description="a whole number from 1 to 65536"
    )
    """Requests in flight at once. None: the engine's own choice."""


class EmbeddedEngineSpec(EngineBase):
    """llama.cpp inside this process or a child of it."""

    kind: Literal["embedded"] = Field(description=KINDS)
    context: int = Field(
        default=2048, ge=64, le=1_048_576, description="a whole number from 64 to 1048576"
    )
    """Tokens that one slot holds: a prompt and all that is generated after it."""
    threads: int | None = Field(
        default=None, ge=1, le=1024, description="a whole number from 1 to 1024"
    )
    """Threads of llama.cpp. None: one less than there are cores."""
    model_file: str | None = Field(
        default=None, min_length=1, description="the path of a .gguf file"
    )
    """A GGUF file, relative to the recipe or absolute. None: the one in the model's folder."""


class ScriptedEngineSpec(EngineBase):
    """The deterministic engine of the tests: no model at all."""

    kind: Literal["scripted"] = Field(description=KINDS)
    delay: float = Field(
        default=0.0, ge=0, le=60, allow_inf_nan=False, description="a number of seconds, 0 to 60"
    )
    """Seconds of pause before each piece of text."""
    trace: str | None = Field(default=None, min_length=1, description="the path of a file")
    """A file to which the engine writes each request that it gets."""


class NoEngineSpec(EngineBase):
    """No engine: the rows are those of a data set, and nothing asks the model that wrote them."""

    kind: Literal["none"] = Field(description=KINDS)


class DeadlinesSpec(Spec):
    """How long a request may make us wait, in seconds, before it is cancelled and asked again."""

    first_token: float = Field(default=120.0, gt=0, le=86_400, description=_SECONDS)
    """From sending a request to its first token: the server's queue is in it."""
    between_tokens: float = Field(default=30.0, gt=0, le=86_400, description=_SECONDS)
    whole: float = Field(default=900.0, gt=0, le=86_400, description=_SECONDS)
    """For an answer that is asked for in one piece, as responses are."""


class RemoteEngineSpec(EngineBase):
    """What engines behind an address may be told."""

    deadlines: DeadlinesSpec = DeadlinesSpec()
    client_processes: int | None = Field(
        default=None, ge=1, le=64, description="a whole number from 1 to 64"
    )
    """Processes that speak to the servers. None: one, and more where one core is not enough."""
    api_key_env: str | None = Field(
        default=None, pattern=r"[A-Za-z_]\w*", description="the name of an environment variable"
    )
    """It holds the key for the servers; a recipe never does. None: no key is sent, but HF_TOKEN
    to servers of Hugging Face."""


class TgiEngineSpec(RemoteEngineSpec):
    """text-generation-inference: containers of ours, or servers at `endpoint`.

    What the launcher is not told it chooses by itself; see `--help` of text-generation-launcher.
    """

    kind: Literal["tgi"] = Field(description=KINDS)
    image: str = Field(
        default=TGI_IMAGE, min_length=1, description="an image such as NAME:TAG or NAME@sha256:..."
    )
    port: int = Field(default=8080, ge=0, le=65_535, description="a port, 0 for any that is free")
    """On 127.0.0.1, for the first replica; the next ones take the ports after it."""
    gpus: Annotated[tuple[int, ...] | None, BeforeValidator(first_gpus)] = Field(
        default=None, description="a number of GPUs, 0 for none, or a list of their indices"
    )
    """Indices; a number N is the first N. None: all of the machine, or none for an image that is
    not made for GPUs."""
    replicas: int = Field(default=1, ge=1, le=64, description="a whole number from 1 to 64")
    """Containers, among which the GPUs are dealt out evenly."""
    num_shard: int | None = Field(default=None, ge=1, le=64, description=_WHOLE)
    """GPUs that one model is spread over. None: all that a replica was dealt."""
    shm_gb: float = Field(default=1.0, gt=0, le=1024, description="a number of GB")
    """Shared memory of a container: NCCL needs it between GPUs."""
    start_minutes: float = Field(default=60.0, gt=0, le=1440, description="a number of minutes")
    """How long loading the model may take; a first start downloads it too."""
    quantize: str | None = Field(default=None, min_length=1, description="such as bitsandbytes-nf4")
    dtype: str | None = Field(default=None, min_length=1, description="float16 or bfloat16")
    max_concurrent_requests: int | None = Field(default=None, ge=1, description=_WHOLE)
    max_stop_sequences: int | None = Field(default=None, ge=0, description=_WHOLE)
    max_input_tokens: int | None = Field(default=None, ge=1, description=_WHOLE)
    max_total_tokens: int | None = Field(default=None, ge=2, description=_WHOLE)
    max_batch_prefill_tokens: int | None = Field(default=None, ge=1, description=_WHOLE)
    max_batch_total_tokens: int | None = Field(default=None, ge=1, description=_WHOLE)
    launcher: Annotated[tuple[str, ...], BeforeValidator(as_tuple)] = Field(
        default=(), description="a list of further flags, such as [--cuda-graphs, '1,2,4']"
    )


class OpenAIEngineSpec(RemoteEngineSpec):
    """Any server with `/v1/completions` at `endpoint`: vLLM, SGLang, llama.cpp, TGI."""

    kind: Literal["openai"] = Field(description=KINDS)
    model: str | None = Field(default=None, min_length=1, description="a name that it serves")
    """The name in its requests. None: the first that `/v1/models` lists."""


EngineSpec = Annotated[
    EmbeddedEngineSpec | ScriptedEngineSpec | TgiEngineSpec | OpenAIEngineSpec | NoEngineSpec,
    Field(discriminator="kind"),
]

ENGINES: dict[str, type[EngineBase]] = {
    "embedded": EmbeddedEngineSpec,
    "scripted": ScriptedEngineSpec,
    "tgi": TgiEngineSpec,
    "openai": OpenAIEngineSpec,
    "none": NoEngineSpec,
}
"""Kind of engine -> its model."""


def engine_shape(engine: EngineSpec) -> dict[str, Any]:
    """Return what of the engine shapes rows: its kind, and the weights where it names them."""
    shape: dict[str, Any] = {
        "kind": engine.kind,
        "model_file": engine.model_file if isinstance(engine, EmbeddedEngineSpec) else None,
    }
    if isinstance(engine, TgiEngineSpec):
        shape |= {"quantize": engine.quantize, "dtype": engine.dtype}
    return shape
