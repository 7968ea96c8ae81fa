"""Token ids of a prompt."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from builder.errors import TemplateError
from builder.recipe.tokenizer_files import TokenizerFiles

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def encoder(files: TokenizerFiles) -> Callable[[str], list[int]]:
    """Return a function from a prompt to its token ids, special tokens where the text spells them.

    None is added: a prompt that begins with the begin-of-text token has it exactly once. Raises
    `TemplateError` where the model has no `tokenizer.json`.
    """
    tokenizer = _tokenizer(files)

    def encode(text: str) -> list[int]:
        return list(tokenizer.encode(text, add_special_tokens=False).ids)

    return encode


def special_texts(files: TokenizerFiles) -> tuple[str, ...]:
    """Return the texts of the tokens that are special, by id: no text is ever split inside one.

    Raises `TemplateError` where the model has no `tokenizer.json`.
    """
    added = _tokenizer(files).get_added_tokens_decoder()
    return tuple(token.content for _, token in sorted(added.items()) if token.special)


def _tokenizer(files: TokenizerFiles) -> Tokenizer:
    from tokenizers import Tokenizer  # slow to import

    if files.tokenizer is None:
        raise TemplateError(
            f"{files.source} has no tokenizer.json, so its token ids are unknown",
            mend="name a model that has one; the template itself needs none",
        )
    return Tokenizer.from_file(str(files.tokenizer))
