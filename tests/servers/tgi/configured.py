"""What the flags and the environment make of a server: its limits and its author."""

from __future__ import annotations

import argparse
import os

from tests.servers.authors import Author, LlamaAuthor, ScriptedAuthor
from tests.servers.tgi.limits import Limits

LARGEST_DEFAULT = 4096
POSITIONS = 2048
"""The demo model's."""


class LauncherError(Exception):
    """The launcher ends with 1 and `Error: <this>`."""


def limits_of(flags: argparse.Namespace) -> Limits:
    """The limits, with the launcher's rules. Raises `LauncherError`."""
    most = min(POSITIONS, LARGEST_DEFAULT)
    inputs = flags.max_input_tokens or flags.max_input_length or most - 1
    total = flags.max_total_tokens or most
    if inputs >= total:
        words = "`max_input_tokens must be < `max_total_tokens`"
        raise LauncherError(f'ArgumentValidation("{words}")')
    if flags.max_batch_total_tokens is not None and total > flags.max_batch_total_tokens:
        words = (
            "`max_total_tokens` must be <= `max_batch_total_tokens`. "
            f"Given: {total} and {flags.max_batch_total_tokens}"
        )
        raise LauncherError(f'ArgumentValidation("{words}")')
    return Limits(
        model_id=flags.model_id,
        revision=flags.revision,
        max_concurrent_requests=flags.max_concurrent_requests,
        max_best_of=flags.max_best_of,
        max_stop_sequences=flags.max_stop_sequences,
        max_top_n_tokens=flags.max_top_n_tokens,
        max_input_tokens=inputs,
        max_total_tokens=total,
        max_client_batch_size=flags.max_client_batch_size,
        validation_workers=flags.validation_workers,
        api_key=flags.api_key,
        disable_grammar_support=bool(flags.disable_grammar_support),
    )


def author_of(limits: Limits) -> Author:
    """The author that the environment chooses."""
    told = os.environ.get
    slots = told("MAGPIE_TEST_SLOTS")
    if told("MAGPIE_TEST_AUTHOR", "demo") == "demo":
        context = min(limits.max_total_tokens, LARGEST_DEFAULT)
        return LlamaAuthor(int(slots or 8), context)
    rate = told("MAGPIE_TEST_RATE")
    words = int(told("MAGPIE_TEST_WORDS") or 40)
    return ScriptedAuthor(int(slots or 32), float(rate) if rate else None, words)
