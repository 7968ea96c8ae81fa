"""What a recipe may say: frozen models, one a section.

Ranges are wide on purpose: they catch slips of the pen, not unusual wishes. What needs more than
one field, a file or the columns of a row to judge is checked in `semantics` and `rules_check`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator, model_validator

from builder.recipe.engine_spec import (
    EmbeddedEngineSpec,
    EngineBase,
    EngineSpec,
    NoEngineSpec,
    OpenAIEngineSpec,
    ScriptedEngineSpec,
    TgiEngineSpec,
    engine_shape,
)
from builder.recipe.source_spec import SourceSpec, with_stand_ins
from builder.spec import Spec, as_tuple, one_or_many

__all__ = [
    "EmbeddedEngineSpec",
    "EngineBase",
    "EngineSpec",
    "InstructionSpec",
    "ModelSpec",
    "NoEngineSpec",
    "OpenAIEngineSpec",
    "PlotsSpec",
    "PublishSpec",
    "Recipe",
    "ResponseSpec",
    "Rules",
    "ScriptedEngineSpec",
    "SelectSpec",
    "SourceSpec",
    "SweepPoint",
    "Target",
    "TemplateSpec",
    "TgiEngineSpec",
]

Temperature = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]
TopP = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Tokens = Annotated[int, Field(ge=1, le=1_048_576, description="a whole number from 1 to 1048576")]
_COUNT = "a whole number from 1 to 1000000000000"
Count = Annotated[int, Field(ge=1, le=10**12)]
Texts = Annotated[tuple[str, ...], BeforeValidator(as_tuple)]


def names_or_options(value: object) -> object:
    """Take a list of annotators, or a section that gives each its options.

    Nothing stands for no options; `false` turns one off, as `--set annotate.NAME=false` does.
    """
    if isinstance(value, list | tuple) and all(isinstance(name, str) for name in value):
        return tuple(value)
    if isinstance(value, Mapping):
        on = {name: given for name, given in value.items() if given is not False}
        options = {name: {} if given is None else given for name, given in on.items()}
        if all(isinstance(given, Mapping) for given in options.values()):
            return options
    raise ValueError("neither names nor options")


Annotations = Annotated[
    tuple[str, ...] | dict[str, dict[str, Any]],
    PlainValidator(names_or_options),
    PlainSerializer(lambda told: list(told) if isinstance(told, tuple) else told),
]


class ModelSpec(Spec):
    """The model that writes instructions and responses."""

    id: str = Field(min_length=1, description="ORG/NAME of a model on the Hub, a folder, or demo")
    """`ORG/NAME` on the Hub, a folder (absolute or relative to the recipe), or `demo`."""
    revision: str = Field(
        default="main", min_length=1, description="a branch, a tag or a commit of the model"
    )
    """Branch, tag or commit on the Hub. A folder has none."""
    license: str = Field(min_length=1, description="a licence id of the Hub, such as llama3")
    """Licence of the model's output, as the Hub spells it."""
    license_name: str | None = Field(
        default=None, pattern=r"^[a-z0-9][a-z0-9.-]*$", description="a name such as my-license-1.0"
    )
    """What a licence is called that the Hub has no id for: `license: other`."""
    license_link: str | None = Field(
        default=None, pattern=r"^https?://\S+$", description="the address of the licence's text"
    )


class TemplateSpec(Spec):
    """The template given by hand. What is left out is derived from the tokenizer files."""

    pre_query: str = Field(min_length=1, description="the text that stands before the user's words")
    response_prefix: str | None = Field(
        default=None, description="the text before the instruction in the response's prompt"
    )
    response_suffix: str | None = Field(
        default=None, description="the text after the instruction in the response's prompt"
    )
    stops: Texts | None = Field(
        default=None, min_length=1, description="a list of texts that end a turn"
    )
    bos: str | None = Field(
        default=None, description="the begin-of-text token with which the prompts begin"
    )


class Target(Spec):
    """How many rows: kept after all rules, or sampled before them. Exactly one of the two.

    With a source neither may be there, which means all of its rows.
    """

    kept: Count | None = Field(default=None, description=_COUNT)
    sampled: Count | None = Field(default=None, description=_COUNT)
    by: str | None = Field(
        default=None, min_length=1, description="a column of labels, such as task_category"
    )
    """The column whose labels have quotas."""
    quotas: dict[str, Annotated[int, Field(ge=1, le=10**12)]] | None = Field(
        default=None, min_length=1, description="lines such as Math: 100, a label and its rows"
    )
    """Rows to keep of each label. None, where `by` is given: `kept` in equal parts."""
    novelty: float | None = Field(
        default=None, gt=0, lt=1, description="a share above 0 and below 1, such as 0.05"
    )
    """Stop once fewer than this share of the newest instructions are new: the model is dry."""


class SweepPoint(Spec):
    """One setting of the sampler. `weight` is its share of the rows, relative to the others."""

    temperature: float = Field(
        gt=0, le=2, allow_inf_nan=False, description="a number above 0 and at most 2"
    )
    """Above 0: at 0 every row would be the same instruction."""
    top_p: TopP = Field(default=1.0, description="a number above 0 and at most 1")
    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False, description="a number above 0")


class InstructionSpec(Spec):
    """How instructions are sampled."""

    system: str | None = Field(
        default=None, pattern=r"\S", description="a system message, or leave it out"
    )
    """A system turn before the bare user turn: it steers what is asked."""
    sweep: Annotated[tuple[SweepPoint, ...], BeforeValidator(as_tuple)] = Field(
        min_length=1, description="a list of points such as - {temperature: 1.0, top_p: 1.0}"
    )
    max_tokens: Tokens
    stop_at_newline: bool = Field(default=False, description="true or false")
    """End an instruction at its first line break: some models go on to answer after it."""


class ResponseSpec(Spec):
    """How responses are sampled. Temperature 0 is greedy."""

    temperature: Temperature = Field(default=0.0, description="a number from 0 to 2")
    top_p: TopP = Field(default=1.0, description="a number above 0 and at most 1")
    max_tokens: Tokens


def without_nothing(value: object) -> object:
    """Leave out names that stand for nothing, as `--set rules.response.NAME=` writes them."""
    if isinstance(value, dict):
        return {name: given for name, given in value.items() if given is not None}
    return value


class Rules(Spec):
    """Named SQL predicates over a row; it is kept where all are true. NULL counts as not true."""

    instruction: Annotated[dict[str, str], BeforeValidator(without_nothing)] = Field(
        default_factory=dict, description="lines such as short: instruction_length > 10"
    )
    """Rules that the instruction alone can answer; they run before a response is paid for."""
    response: Annotated[dict[str, str], BeforeValidator(without_nothing)] = Field(
        default_factory=dict, description="lines such as whole: finish_reason = 'stop'"
    )


class SelectSpec(Spec):
    """The cut that comes after all rules: keep the `longest` rows by the column `by`.

    With `over`, `over` times as many rows as `target.kept` pass the rules before it is made.
    """

    longest: Count | None = Field(default=None, description=_COUNT)
    over: float = Field(
        default=1.0, ge=1, le=1000, allow_inf_nan=False, description="a number from 1, such as 1.5"
    )
    by: str = Field(
        default="response_length",
        min_length=1,
        description="a column of numbers, such as response_length",
    )


class JudgeSpec(Spec):
    """The model that judges, where it is another one than the recipe's own."""

    model: ModelSpec
    engine: EngineSpec


class PriceSpec(Spec):
    """What things cost, so that a plan can be told in money."""

    gpu_hour: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="a price, such as 2.5"
    )
    million_tokens_in: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="a price, such as 0.2"
    )
    million_tokens_out: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="a price, such as 0.6"
    )
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$", description="such as USD or EUR")


class PlotsSpec(Spec):
    """What the release's plots show beyond what was measured of each row."""

    map: bool = Field(default=True, description="true or false")
    """Draw the map of the instructions, where they have vectors: a minute or two for many rows."""
    compare: Annotated[
        tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(one_or_many)
    ] = Field(
        default=(),
        description="data sets: ORG/NAME on the Hub, a file or a folder, or a list of them",
    )
    """Data sets whose instructions the map shows, too, by the vectors of the same model."""
    runs: Annotated[
        tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(one_or_many)
    ] = Field(
        default=(), description="runs: a name such as magpie-air, a directory, or a list of them"
    )
    """Runs of ours whose kept rows the map shows, too, by the vectors that they have. A name is
    looked up beside the run and in `runs/`; a run that is not there yet is left out."""


class PublishSpec(Spec):
    """Where the release goes on the Hub."""

    repo: str = Field(pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$", description="ORG/NAME")
    split: str = Field(
        pattern=r"^\w+(\.\w+)*$", description="letters, digits and _, with single dots between"
    )
    """Split names as `datasets` takes them: no dash."""
    config: str = Field(
        default="filtered", pattern=r"^\w[\w.-]*$", description="a name such as filtered"
    )
    """Name of the configuration; the Hub does not allow `data`."""
    licenses: dict[str, str] = Field(
        default_factory=dict, description="lines such as ORG/NAME: apache-2.0"
    )
    """Licences of models that annotate, by name, where magpie does not know them."""
    no_training: bool = Field(default=False, description="true or false")
    """Publish also rows that no model may be trained on, as their licences together have it."""
    card: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9][\w-]*\.md\.j2$",
        description="the name of a template in dataset_cards, such as short.md.j2",
    )
    """The template of the card. None: `card.md.j2`."""


class Recipe(Spec):
    """One data set to build: data only, no code."""

    name: str = Field(
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        max_length=64,
        description="lower-case letters and digits with single dashes between",
    )
    version: str = Field(
        pattern=r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$",
        description="three numbers such as 1.0.0",
    )
    summary: str = Field(pattern=r"\S", description="one sentence about the data set")
    source: SourceSpec | None = None
    """Where rows come from that exist already. None: the model samples them."""
    model: ModelSpec
    template: TemplateSpec | None = None
    engine: EngineSpec
    seed: int = Field(ge=0, le=2**31 - 1, description="a whole number from 0 to 2147483647")
    target: Target
    instruction: InstructionSpec
    response: ResponseSpec
    respond: Literal["survivors", "all"] = Field(
        default="survivors", description="survivors or all"
    )
    """Which rows get a response: those that pass the rules on the instruction, or all."""
    annotate: Annotations = Field(default=(), description="a list of annotators, such as [quality]")
    """Annotators by name, or each with its options. They are used through `annotators`."""
    judge: JudgeSpec | None = None
    """Who judges. None: the recipe's own model."""
    rules: Rules = Rules()
    select: SelectSpec = SelectSpec()
    price: PriceSpec | None = None
    plots: PlotsSpec = PlotsSpec()
    publish: PublishSpec | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_sampling(cls, values: object) -> object:
        return with_stand_ins(values)

    @property
    def annotators(self) -> dict[str, dict[str, Any]]:
        """Name of each annotator that is on -> what the recipe tells it, in the recipe's order."""
        given = self.annotate
        return dict(given) if isinstance(given, dict) else {name: {} for name in given}

    def shape(self) -> dict[str, object]:
        """Return all that shapes the rows already sampled, as dotted key -> plain value.

        `{"model.id": "demo", "instruction.sweep.0.temperature": 1.0, ...}`. Two recipes with equal
        shapes sample the same rows; where they differ, the differing keys say what changed.
        Targets, rules, the cut and addresses are not in it: they may change on a run that stands.
        Rows of a source are shaped by that alone.
        """
        if self.source is not None:
            return dict(_flatten("", {"source": self.source.shape()}))
        sections = {
            "model": self.model.model_dump(mode="json", include={"id", "revision"}),
            "template": self.template.model_dump(mode="json") if self.template else None,
            "engine": engine_shape(self.engine),
            "seed": self.seed,
            "instruction": self.instruction.model_dump(mode="json"),
            "response": self.response.model_dump(mode="json"),
        }
        return dict(_flatten("", sections))


def _flatten(prefix: str, value: object) -> list[tuple[str, object]]:
    """Turn nested mappings and lists into dotted keys, in order."""
    if isinstance(value, Mapping) and value:
        pairs = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list) and value:
        pairs = [(str(index), item) for index, item in enumerate(value)]
    else:
        return [(prefix, value)]
    dotted = f"{prefix}." if prefix else ""
    return [leaf for key, item in pairs for leaf in _flatten(f"{dotted}{key}", item)]
