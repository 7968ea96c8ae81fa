"""Token ids of a prompt."""

from __future__ import annotations

from collections.abc import Callable

from builder.errors import TemplateError
from builder.recipe.tokenizer_files import TokenizerFiles


def encoder(files: TokenizerFiles) -> Callable[[str], list[int]]:
    """Return a function from a prompt to its token ids, special tokens where the text spells them.

    None is added: a prompt that begins with the begin-of-text token has it exactly once. Raises
    `TemplateError` where the model has no `tokenizer.json`.
    """
    from tokenizers import Tokenizer  # slow to import

    if files.tokenizer is None:
        raise TemplateError(
            f"{files.source} has no tokenizer.json, so its token ids are unknown",
            mend="name a model that has one; the template itself needs none",
        )
    tokenizer = Tokenizer.from_file(str(files.tokenizer))

    def encode(text: str) -> list[int]:
        return list(tokenizer.encode(text, add_special_tokens=False).ids)

    return encode
