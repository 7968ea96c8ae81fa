"""Which files of a data set belong to a config and a split.

The rules are those of the Hub's documentation ("Data files Configuration", "File names and
splits") and of datasets 5.2, `data_files.py`: the card's `configs:` first; else sharded files in
`data/`, else folders named by a split, else files named by one, else all are `train`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

import yaml

from builder.annotate.texts.frames import READABLE, readable
from builder.errors import UsageError

CARD: Final = "README.md"

_NO_DATA: Final = frozenset(
    {"config.json", "dataset_info.json", "dataset_infos.json", "dataset_dict.json"}
)
"""Readable files that describe others (datasets 5.2, `data_files.FILES_TO_IGNORE`)."""

_SHARD: Final = re.compile(r"(?:.*/)?data/(\w+(?:\.\w+)*)-\d{5}-of-\d{5}[^/]*")

_KEYWORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "dev", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}
"""Words that stand for a split in names, between signs or digits."""

_WORDS: Final = re.compile(r"[-._ 0-9]+")

Splits = Mapping[str, Sequence[str]]
"""Split -> its files."""


def chosen_files(
    name: str, files: Sequence[str], card: Path | None, config: str | None, split: str | None
) -> tuple[str, ...]:
    """Return those of `files`, paths within the data set, that hold the config's and split's rows.

    In the card's order of configs and splits, by name within a split, none twice. Without `config`
    it is the one marked `default: true` or named so, or else all of them. Raises `UsageError` where
    there is no such config or split, or nothing that can be read.
    """
    data = [file for file in sorted(files) if _is_data(file)]
    entries = _entries(name, card)
    configs = {_name_of(one): _of_entry(one, data) for one in entries}
    configs = configs or {"default": _by_names(data)}
    wanted = config or _default(entries)
    chosen = configs.values() if wanted is None else [_one(name, "config", wanted, configs)]
    found: dict[str, None] = {}
    for splits in chosen:
        parts = splits.values() if split is None else [_one(name, "split", split, splits)]
        found |= dict.fromkeys(file for part in parts for file in part)
    if not found:
        raise UsageError(
            f"{name} holds no file of rows",
            mend=f"files that can be read end in {', '.join(READABLE)}",
        )
    return tuple(found)


def _one(name: str, kind: str, wanted: str, known: Mapping[str, Any]) -> Any:
    if wanted not in known:
        raise UsageError(
            f"{name} has no {kind} {wanted}", mend=f"it has {', '.join(known) or 'none'}"
        )
    return known[wanted]


def _is_data(file: str) -> bool:
    path = PurePosixPath(file)
    hidden = any(part.startswith((".", "__")) for part in path.parts)
    return readable(file) and path.name not in _NO_DATA and not hidden


def _name_of(entry: Mapping[str, Any]) -> str:
    return str(entry.get("config_name", "default"))


def _default(entries: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the config that is loaded without a name; None where none is marked or named so."""
    marked = [_name_of(one) for one in entries if one.get("default") is True]
    named = [_name_of(one) for one in entries if _name_of(one) == "default"]
    return next(iter(marked + named), None)


def _of_entry(entry: Mapping[str, Any], files: Sequence[str]) -> Splits:
    """Return split -> files of an entry: a pattern, a list of them, or one of splits with paths."""
    folder = str(entry.get("data_dir") or "").strip("/")
    within = f"{folder}/" if folder not in ("", ".") else ""
    said = entry["data_files"]
    splits: dict[str, list[str]] = {}
    for one in said if isinstance(said, list) else [said]:
        split, paths = (one.get("split"), one.get("path")) if isinstance(one, dict) else (None, one)
        for pattern in paths if isinstance(paths, list) else [paths]:
            matches = _pattern(within + str(pattern).removeprefix("./")).fullmatch
            splits.setdefault(str(split or "train"), []).extend(
                file for file in files if matches(file)
            )
    return splits


def _entries(name: str, card: Path | None) -> list[dict[str, Any]]:
    """Return the card's `configs:` that name files. Raises `UsageError` for what is no YAML."""
    if card is None:
        return []
    text = card.read_text(encoding="utf-8", errors="replace")
    match = re.match(r"\s*---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", text, re.S)
    try:
        said = yaml.safe_load(match.group(1)) if match else None
    except yaml.YAMLError as error:
        where = " ".join(str(error).split())
        raise UsageError(f"the card of {name} is no YAML: {where}", mend=f"mend {card}") from error
    configs = said.get("configs") if isinstance(said, dict) else None
    return [one for one in configs or [] if isinstance(one, dict) and one.get("data_files")]


def _pattern(glob: str) -> re.Pattern[str]:
    """Return a glob as a regular expression: `*` stays within a folder, `**` does not."""
    out = ""
    for part in re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]]+\]|.", glob, re.S):
        known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
        is_set = len(part) > 1 and part[0] == "["
        out += known.get(part, part.replace("[!", "[^") if is_set else re.escape(part))
    return re.compile(out, re.S)


def _by_names(files: Sequence[str]) -> Splits:
    """Return split -> files as their names tell. Only the commonest kind of file counts."""
    kinds = Counter(Path(file).suffix.lower() for file in files)
    best = max(kinds, key=lambda kind: (kinds[kind], -READABLE.index(kind)), default="")
    same = [file for file in files if Path(file).suffix.lower() == best]
    for tell in (_split_of_shard, _split_of_folder, _split_of_file):
        splits: dict[str, list[str]] = {}
        for file in same:
            split = tell(file)
            if split:
                splits.setdefault(split, []).append(file)
        if splits:
            return splits
    return {"train": same}


def _split_of_shard(file: str) -> str | None:
    match = _SHARD.fullmatch(file)
    return match.group(1) if match else None


def _split_of_folder(file: str) -> str | None:
    return next((split for part in PurePosixPath(file).parts[:-1] for split in _named(part)), None)


def _split_of_file(file: str) -> str | None:
    return next(_named(PurePosixPath(file).name), None)


def _named(part: str) -> Iterator[str]:
    words = _WORDS.split(part)
    yield from (split for split, keys in _KEYWORDS.items() if any(key in words for key in keys))
