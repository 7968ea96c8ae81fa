"""What the options of `magpie build` say, in the words of a recipe."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping


def overrides_of(options: Mapping[str, object]) -> tuple[str, ...]:
    """The `--set` texts that the options amount to; those given as `--set` come last and win."""
    named = {
        "engine.kind": options["engine"],
        "engine.endpoint": options["endpoint"],
        "target.kept": options["kept"],
        "target.sampled": options["sampled"],
    }
    short = [f"{key}={_text(value)}" for key, value in named.items() if value]
    written = options["overrides"]
    return (*short, *(written if isinstance(written, tuple) else ()))


def budget_of(options: Mapping[str, object]) -> float | None:
    """The budget in seconds, None where there is none."""
    hours = options["budget"]
    return hours * 3600 if isinstance(hours, float) else None


def this_command() -> str:
    """The command that was given, as it can be given again."""
    return shlex.join(["magpie", *sys.argv[1:]])


def _text(value: object) -> str:
    return json.dumps(value) if isinstance(value, tuple) else str(value)
