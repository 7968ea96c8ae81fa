"""The text of a new recipe: it passes the check as it stands, and its comments say why."""

from __future__ import annotations

import json
from typing import Final

from builder.errors import UsageError
from builder.recipe.licenses import known_license
from builder.recipe.model_source import DEMO
from builder.recipe.schema import Recipe

_TEXT: Final = """\
# {name}: what is sampled, how it is judged, and what is kept. Data only, no code.
#   magpie recipe check FILE    says everything that is wrong here
#   magpie build FILE           builds it; the same command goes on with a run that was stopped
name: {name}
version: 0.1.0
summary: Instructions that {title} wrote by itself, with its answers.

model:
  id: {model}  # ORG/NAME on the Hub, a folder next to this file, or demo
  revision: main  # name a commit to be able to rebuild the very same data set
  license: {license}  # of the model: what it wrote is published under it

engine:
{engine}
seed: 0  # with the row's number it decides all chance: the same seed samples the same rows

target:
  kept: 300  # go on until this many rows have passed the rules; or sampled: N

instruction:
  # system: "You help with mathematics."  # a system turn steers what is asked
  sweep:  # hotter is more varied and more often nonsense, so a mixture; weights share the rows
    - {{temperature: 1.0, top_p: 1.0, weight: 2}}
    - {{temperature: 1.1, top_p: 0.995, weight: 1}}
  max_tokens: {instruction_tokens}
  stop_at_newline: false  # true cuts real requests that have several lines

response:
  temperature: 0.0  # 0 is greedy: the answer the model is surest of
  max_tokens: {response_tokens}

respond: survivors  # a response costs most of all, so rows already dropped get none

rules:  # SQL over one row; a row that fails keeps the rule's name as its drop_reason
  instruction:
    whole-instruction: "instruction_finish_reason = 'stop'"  # else the token limit cut it
    long-enough: "instruction_length >= 10"
  response:
    whole-response: "finish_reason = 'stop'"
    not-empty: "response_length > 0"

# publish:
#   repo: ORG/NAME
#   split: train
"""

_EMBEDDED: Final = """\
  kind: embedded  # llama.cpp in this process: no server and no GPU
  context: 1024  # tokens of one slot; must hold an instruction and its response
"""

_TGI: Final = """\
  kind: tgi  # starts its own container; or openai with endpoint: http://localhost:8000
  # gpus: [0, 1]  # all of this machine, unless they are named here
  # replicas: 2  # containers, among which the GPUs are dealt out evenly
  # max_total_tokens: 8192  # longest instruction and response together, with the template
  # quantize: bitsandbytes-nf4  # for a model that the GPUs could not hold otherwise
"""


def new_recipe(name: str, model: str = DEMO) -> str:
    """Return the text of a commented recipe of this name for this model (an id as `model.id`).

    Raises `UsageError` where `name` is no name for a recipe.
    """
    from pydantic import TypeAdapter, ValidationError

    field = Recipe.model_fields["name"]
    try:
        TypeAdapter(field.rebuild_annotation()).validate_python(name)
    except ValidationError:
        raise UsageError(
            f'"{name}" is no name for a recipe', mend=f"use {field.description}, such as my-recipe"
        ) from None
    demo = model == DEMO
    return _TEXT.format(
        name=name,
        title="the demo model" if demo else model.rpartition("/")[2] or model,
        model=model if demo else json.dumps(model),
        license="apache-2.0" if demo else known_license(model) or "other",
        engine=_EMBEDDED if demo else _TGI,
        instruction_tokens=128 if demo else 1024,
        response_tokens=256 if demo else 4096,
    )
