"""What a recipe may say about its engine. Each kind has its own options and refuses the others'."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def as_tuple(value: object) -> object:
    """Take a YAML list for a tuple; strict models would refuse it."""
    return tuple(value) if isinstance(value, list) else value


def one_or_many(value: object) -> object:
    """Take a single text for a tuple of one."""
    return (value,) if isinstance(value, str) else as_tuple(value)


class Spec(BaseModel):
    """Base of all parts of a recipe: frozen, strict (true is no 1, "8" is no 8), no unknown keys.

    The `description` of a field says what to write there; faults quote it.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


KINDS = "embedded, openai, scripted or tgi"


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


class TgiEngineSpec(EngineBase):
    """text-generation-inference: a container of ours, or servers at `endpoint`."""

    kind: Literal["tgi"] = Field(description=KINDS)


class OpenAIEngineSpec(EngineBase):
    """Any server with `/v1/completions` at `endpoint`: vLLM, SGLang, llama.cpp."""

    kind: Literal["openai"] = Field(description=KINDS)


EngineSpec = Annotated[
    EmbeddedEngineSpec | ScriptedEngineSpec | TgiEngineSpec | OpenAIEngineSpec,
    Field(discriminator="kind"),
]

ENGINES: dict[str, type[EngineBase]] = {
    "embedded": EmbeddedEngineSpec,
    "scripted": ScriptedEngineSpec,
    "tgi": TgiEngineSpec,
    "openai": OpenAIEngineSpec,
}
"""Kind of engine -> its model."""


def engine_shape(engine: EngineSpec) -> dict[str, Any]:
    """Return what of the engine shapes rows: its kind, and the weights where it names them."""
    weights = engine.model_file if isinstance(engine, EmbeddedEngineSpec) else None
    return {"kind": engine.kind, "model_file": weights}
