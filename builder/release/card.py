"""The data-set card: README.md, rendered from the facts of every split that a release holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import jinja2
import yaml

from builder.errors import UsageError
from builder.release.facts import Facts, read_facts
from builder.release.features import dataset_info
from builder.release.layout import CARD, FILTERED, RAW, parquet_pattern
from builder.release.markdown import FILTERS
from builder.release.statistics import size_category
from builder.run.storage import write_text

TEMPLATE = "card.md.j2"

FEWEST: Final = 0.01
"""Share of its rows from which on a split is said to be in a language."""

TAGS = ["magpie", "synthetic", "instruction-tuning", "sft"]


def write_card(folder: Path) -> None:
    """Render the card of a release from its facts, over the one that stands.

    Raises `UsageError` when there are no facts, `RunError` when they make no sense, and
    `StorageError` when the disk refuses.
    """
    names = sorted(path.stem for path in (folder / "facts").glob("*.json"))
    if not names:
        raise UsageError(
            f"{folder} is no release: it has no facts",
            mend="Finish the run first: `magpie build` on the same run directory.",
        )
    write_text(folder / CARD, render_card([read_facts(folder, name) for name in names]))


def render_card(splits: Sequence[Facts]) -> str:
    """Return the card of these splits: YAML front matter, then Markdown."""
    configs = _configs(splits)
    context: dict[str, Any] = {
        "title": _title(splits),
        "repo": _repo(splits),
        "splits": splits,
        "configs": configs,
        "default": configs[0],
        "raw": RAW,
        "columns": _columns(splits, configs[0]),
        "raw_only": _raw_only(splits, configs[0]),
        "licenses": _license_names(splits),
    }
    front = yaml.safe_dump(front_matter(splits), sort_keys=False, allow_unicode=True, width=1000)
    body = _environment().get_template(TEMPLATE).render(context)
    return f"---\n{front}---\n\n{body.strip()}\n"


def front_matter(splits: Sequence[Facts]) -> dict[str, Any]:
    """Return the card's metadata, as the Hub reads it.

    `size_categories` counts what a reader gets without naming a configuration, and `language`
    stands where an annotator told the languages of that.
    """
    configs = _configs(splits)
    told = [info for name in configs if (info := dataset_info(splits, name))]
    rows = sum(facts["configs"].get(configs[0], {"rows": 0})["rows"] for facts in splits)
    return {
        **_license(splits),
        **_languages(splits),
        "pretty_name": _title(splits),
        "task_categories": ["text-generation"],
        "tags": TAGS,
        "size_categories": [size_category(rows)],
        "configs": [_config(name, splits, default=name == configs[0]) for name in configs],
        **({"dataset_info": told} if told else {}),
    }


def _license(splits: Sequence[Facts]) -> dict[str, Any]:
    """Return the licence keys. `other` wants a name and where the text stands, too."""
    names = _license_names(splits)
    keys: dict[str, Any] = {"license": names[0] if len(names) == 1 else names}
    foreign = [facts["model"] for facts in splits if facts["model"]["license"] == "other"]
    if foreign:
        model = foreign[0]
        keys["license_name"] = f"{model['id'].split('/')[-1]}-license".lower()
        if model["on_hub"]:
            keys["license_link"] = f"https://huggingface.co/{model['id']}"
    return keys


def _languages(splits: Sequence[Facts]) -> dict[str, list[str]]:
    """Return the languages of the default rows, ISO 639-1 in lower case, the most frequent first.

    One in less than `FEWEST` of a split's rows is left out: of short texts, some go astray.
    """
    found: Counter[str] = Counter()
    for facts in splits:
        config = facts["default_config"]
        for told in facts.get("languages", {}).get(config, []):
            if told["rows"] >= FEWEST * facts["configs"][config]["rows"]:
                found[told["language"].lower()] += told["rows"]
    names = sorted(found, key=lambda name: (-found[name], name))
    return {"language": names} if names else {}


def _license_names(splits: Sequence[Facts]) -> list[str]:
    return sorted({facts["model"]["license"] for facts in splits})


def _config(name: str, splits: Sequence[Facts], *, default: bool) -> dict[str, Any]:
    files = [
        {"split": facts["split"], "path": parquet_pattern(name, facts["split"])}
        for facts in splits
        if name in facts["configs"]
    ]
    mark = {"default": True} if default else {}
    return {"config_name": name, **mark, "data_files": files}


def _configs(splits: Sequence[Facts]) -> list[str]:
    """Return the configurations: the default one in front, the raw rows last."""
    names = sorted({name for facts in splits for name in facts["configs"]} - {RAW})
    default = FILTERED if FILTERED in names else names[0]
    return [default, *(name for name in names if name != default), RAW]


def _columns(splits: Sequence[Facts], config: str) -> list[dict[str, str]]:
    """Return the columns of a configuration over all splits, each once, in order."""
    found = {
        column["name"]: column
        for facts in splits
        for column in facts["configs"].get(config, {"columns": []})["columns"]
    }
    return list(found.values())


def _raw_only(splits: Sequence[Facts], config: str) -> list[dict[str, str]]:
    known = {column["name"] for column in _columns(splits, config)}
    return [column for column in _columns(splits, RAW) if column["name"] not in known]


def _repo(splits: Sequence[Facts]) -> str | None:
    return next((facts["repo"] for facts in splits if facts["repo"]), None)


def _title(splits: Sequence[Facts]) -> str:
    repo = _repo(splits)
    return repo.split("/")[1] if repo else str(splits[0]["recipe"]["name"])


def template_folder() -> Path:
    """Return where the templates of cards lie: in the installed package, else in the checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_data" / "dataset_cards"
    return installed if installed.is_dir() else package.parent / "dataset_cards"


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template_folder()),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # Markdown: `cell` and `code` escape what tables and spans mind
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(FILTERS)
    return environment
