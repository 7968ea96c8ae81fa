"""What a model's tokenizer files say, in old and new layouts, from a folder or the Hub."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from builder.errors import TemplateError
from builder.recipe.hub_files import hub_files
from builder.recipe.model_source import DEMO, is_folder, is_hub_id, model_folder

FILES: Final = (
    "tokenizer_config.json",
    "tokenizer.json",
    "special_tokens_map.json",
    "generation_config.json",
    "chat_template.jinja",
    "chat_template.json",
)
"""All that is read of a model here, each if it is there."""

Fetch = Callable[[str], Path | None]
"""From the name of a file to where it lies; None where the model has none of that name."""

_NAMED: Final = ("bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token")


@dataclass(frozen=True, slots=True)
class TokenizerFiles:
    """The parts of a model's tokenizer files that templates are made of.

    `source` names the model for people; `revision` is the commit it was read at, '' for a folder.
    `special` has the texts of the named tokens (`bos_token`, `eos_token`, ...). `added` are the
    texts of all control tokens: never split, and no part of what a model says. `ends` are the
    end-of-text tokens of `generation_config.json`, in its order. `tokenizer` is `tokenizer.json`,
    where there is one.
    """

    source: str
    revision: str
    chat_template: str | None
    template_file: str
    special: Mapping[str, str]
    added: tuple[str, ...]
    ends: tuple[str, ...]
    tokenizer: Path | None

    @property
    def bos(self) -> str:
        """Text of the begin-of-text token, '' where there is none."""
        return self.special.get("bos_token", "")


def load_tokenizer_files(model_id: str, revision: str, base: Path | None) -> TokenizerFiles:
    """Read the tokenizer files of a model: `demo`, a folder (relative to `base`), or ORG/NAME.

    A revision of the Hub is resolved to its commit. Raises `TemplateError` where there is no such
    model or its files cannot be read; for the Hub, one of the kinds in `hub_files`.
    """
    if is_folder(model_id, base):
        folder = model_folder(model_id, base)
        if not folder.is_dir():
            raise TemplateError(
                f"model.id: there is no folder {folder}", mend="write one that exists, or ORG/NAME"
            )
        name = DEMO if model_id == DEMO else str(folder)
        return read_tokenizer_files(name, "", lambda file: _in_folder(folder, file))
    if not is_hub_id(model_id):
        raise TemplateError(f'model.id: saw "{model_id}"', mend="write ORG/NAME, a folder, or demo")
    fetch, commit = hub_files(model_id, revision)
    return read_tokenizer_files(model_id, commit, fetch)


def read_tokenizer_files(source: str, revision: str, fetch: Fetch) -> TokenizerFiles:
    """Read what `fetch` finds. Raises `TemplateError` for a file that is no JSON."""
    config = _json(fetch, "tokenizer_config.json")
    tokenizer = _json(fetch, "tokenizer.json")
    special = _special(config) | _special(_json(fetch, "special_tokens_map.json"))
    by_id, control = _added(config, tokenizer)
    template_file, template = _chat_template(fetch, config)
    return TokenizerFiles(
        source=source,
        revision=revision,
        chat_template=template,
        template_file=template_file,
        special=special,
        added=tuple(dict.fromkeys([*special.values(), *control])),
        ends=_ends(_json(fetch, "generation_config.json"), by_id),
        tokenizer=fetch("tokenizer.json"),
    )


def _in_folder(folder: Path, name: str) -> Path | None:
    path = folder / name
    return path if path.is_file() else None


def _json(fetch: Fetch, name: str) -> dict[str, Any]:
    path = fetch(name)
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise TemplateError(f"{path} cannot be read: {error}", mend="download it again") from error
    if not isinstance(found, dict):
        raise TemplateError(f"{path} is no JSON object", mend="download it again")
    return found


def _special(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the named special tokens; older files hold a text, newer ones an object."""
    found = {}
    for name in _NAMED:
        token = config.get(name)
        text = token.get("content") if isinstance(token, dict) else token
        if isinstance(text, str):
            found[name] = text
    return found


def _added(
    config: Mapping[str, Any], tokenizer: Mapping[str, Any]
) -> tuple[dict[int, str], list[str]]:
    """Return the texts of the tokens that are never split, by id, and which of them are control.

    A token such as `<think>` is never split either, but it is part of what a model says.
    """
    tokens = {int(n): token for n, token in config.get("added_tokens_decoder", {}).items()}
    tokens |= {token["id"]: token for token in tokenizer.get("added_tokens", [])}
    texts = {number: token["content"] for number, token in tokens.items()}
    return texts, [token["content"] for token in tokens.values() if token.get("special", True)]


def _ends(generation: Mapping[str, Any], by_id: Mapping[int, str]) -> tuple[str, ...]:
    ids = generation.get("eos_token_id", [])
    numbers = ids if isinstance(ids, list) else [ids]
    return tuple(by_id[number] for number in numbers if number in by_id)


def _chat_template(fetch: Fetch, config: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return the file that holds the chat template, and the template.

    The newest layout is a file of its own, which wins over what older ones hold, as in
    transformers.
    """
    path = fetch("chat_template.jinja")
    if path is not None:
        return "chat_template.jinja", path.read_text(encoding="utf-8")
    beside = _json(fetch, "chat_template.json").get("chat_template")
    if beside is not None:
        return "chat_template.json", _default(beside)
    return "tokenizer_config.json", _default(config.get("chat_template"))


def _default(template: object) -> str | None:
    """Return the template, or the one named `default` of several."""
    if not isinstance(template, list):
        return template if isinstance(template, str) else None
    named = {entry.get("name"): entry.get("template") for entry in template}
    if "default" in named or len(named) == 1:
        return str(named.get("default", next(iter(named.values()))))
    names = ", ".join(str(name) for name in named)
    raise TemplateError(
        f"the model has the chat templates {names}, and none of them is called default",
        mend="give template.pre_query in the recipe",
    )
