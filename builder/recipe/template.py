"""The pre-query template: a model's chat template, cut where the user's words would stand.

`<|start_header_id|>user<|end_header_id|>\\n\\n` is all that the model gets; what it writes next is
an instruction. The cut is found by rendering a message that is a marker, so nothing here knows
any model by name.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from builder.errors import TemplateError
from builder.recipe.chat_template import PINNED_DATE, ChatTemplate, RefusedError
from builder.recipe.cut import Cut, cut_prompt
from builder.recipe.schema import Recipe, TemplateSpec
from builder.recipe.stops import find_stops
from builder.recipe.tokenizer_files import TokenizerFiles

_BY_HAND = "give template.pre_query, response_prefix, response_suffix and stops in the recipe"


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """The texts that prompts are made of.

    `pre_query` stands before the user's words, begin-of-text token included where the chat
    template writes one; that token is `bos`, else ''. A response is asked for with
    `response_prefix` + instruction + `response_suffix`, without any system turn of the recipe's.
    `stops` end a generation: the end of a turn first, then end of text, then what only a wrong
    turn begins with. `trims` says that the chat template strips white space around a message.
    `source` tells people where all this is from.
    """

    pre_query: str
    response_prefix: str
    response_suffix: str
    stops: tuple[str, ...]
    bos: str
    source: str
    trims: bool = False

    def response_prompt(self, instruction: str) -> str:
        """Return the prompt that asks for the response to an instruction."""
        words = instruction.strip() if self.trims else instruction
        return f"{self.response_prefix}{words}{self.response_suffix}"

    def without_bos(self, prompt: str) -> str:
        """Return a prompt as engines need it that put a begin-of-text token in front themselves."""
        return prompt.removeprefix(self.bos)

    def to_json(self) -> dict[str, Any]:
        """Return the texts as plain values, by name."""
        return dataclasses.asdict(self) | {"stops": list(self.stops)}


def recipe_template(recipe: Recipe, files: TokenizerFiles | None) -> PromptTemplate:
    """Return a recipe's template: what it gives itself, and the rest derived from the files.

    `files` may be None where the recipe gives everything. Raises `TemplateError`.
    """
    given = recipe.template
    if given is None:
        return derive_template(_needed(files), recipe.instruction.system)
    prefix, suffix, stops = given.response_prefix, given.response_suffix, given.stops
    if prefix is None or suffix is None or stops is None:
        derived = derive_template(_needed(files), None)
        prefix = derived.response_prefix if prefix is None else prefix
        suffix = derived.response_suffix if suffix is None else suffix
        stops = derived.stops if stops is None else stops
    return PromptTemplate(
        pre_query=given.pre_query,
        response_prefix=prefix,
        response_suffix=suffix,
        stops=stops,
        bos=_given_bos(given, files),
        source="the recipe",
    )


def derive_template(files: TokenizerFiles, system: str | None) -> PromptTemplate:
    """Derive the template from a model's tokenizer files.

    `system` is a message that steers what is asked: it stands in the pre-query template and
    nowhere else. A system turn that the chat template writes by itself stays in both. Raises
    `TemplateError`, which says what was seen and what a recipe may write instead.
    """
    if files.chat_template is None:
        raise TemplateError(
            f"{files.source} has no chat template: it is a base model, or a very old one",
            mend=f"name an instruction-tuned model, or {_BY_HAND}",
        )
    try:
        chat = ChatTemplate(files.chat_template, files.special)
    except RefusedError as error:
        raise TemplateError(
            f"the chat template of {files.source} is broken: {error}", mend=_BY_HAND
        ) from error
    bare = cut_prompt(chat, files.source, None)
    query = bare if system is None else cut_prompt(chat, files.source, system)
    stops = find_stops(bare, files)
    if not stops:
        raise TemplateError(
            f"the chat template of {files.source} writes nothing that ends a turn, and the model "
            "names no end-of-text token",
            mend="give template.pre_query and template.stops in the recipe",
        )
    return PromptTemplate(
        pre_query=query.before,
        response_prefix=bare.before,
        response_suffix=bare.after,
        stops=stops,
        bos=_leading_bos(query, bare, files),
        source=_source(chat, files),
        trims=bare.trims,
    )


def _leading_bos(query: Cut, bare: Cut, files: TokenizerFiles) -> str:
    both = query.before.startswith(files.bos) and bare.before.startswith(files.bos)
    return files.bos if both else ""


def _given_bos(given: TemplateSpec, files: TokenizerFiles | None) -> str:
    if given.bos is not None:
        return given.bos
    known = files.bos if files else ""
    return known if given.pre_query.startswith(known) else ""


def _source(chat: ChatTemplate, files: TokenizerFiles) -> str:
    commit = f" at {files.revision}" if files.revision else ""
    date = f", with the date {PINNED_DATE:%d %b %Y}" if chat.tells_date else ""
    return f"{files.template_file} of {files.source}{commit}{date}"


def _needed(files: TokenizerFiles | None) -> TokenizerFiles:
    if files is None:
        raise TemplateError(
            "the template cannot be completed: there are no tokenizer files to derive it from",
            mend=_BY_HAND,
        )
    return files
