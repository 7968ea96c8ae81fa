"""The card's metadata: the YAML in front, as the Hub and `datasets` read it.

Keys and values are those of the Hub's specification of dataset cards (huggingface/hub-docs,
`datasetcard.md`). It has no key for a model that wrote the rows (`base_model` is one of models),
so the models stand in the body, and the creators of texts and labels are told to be machines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from builder.recipe.licenses import license_of
from builder.release.facts import Facts
from builder.release.features import dataset_info
from builder.release.layout import FILTERED, RAW, parquet_pattern
from builder.release.licensing import licenses_of
from builder.release.statistics import size_category

FEWEST: Final = 0.01
"""Share of its rows from which on a split is said to be in a language."""

TAGS: Final = ("magpie", "synthetic", "instruction-tuning", "sft", "magpie-builder")
"""The last one is the library that made the set."""

MACHINE: Final = "machine-generated"


def front_matter(splits: Sequence[Facts]) -> dict[str, Any]:
    """Return the card's metadata.

    `size_categories` counts what a reader gets without naming a configuration, and `language`
    stands where an annotator told the languages of that.
    """
    configs = configs_of(splits)
    rows = sum(facts["configs"].get(configs[0], {"rows": 0})["rows"] for facts in splits)
    return {
        **_license(splits),
        **_languages(splits),
        "pretty_name": title_of(splits),
        "task_categories": ["text-generation"],
        "language_creators": [MACHINE],
        "annotations_creators": [MACHINE if _annotated(splits) else "no-annotation"],
        **_sources(splits),
        "tags": list(TAGS),
        "size_categories": [size_category(rows)],
        "configs": [_config(name, splits, default=name == configs[0]) for name in configs],
        "dataset_info": [dataset_info(splits, name) for name in configs],
    }


def title_of(splits: Sequence[Facts]) -> str:
    """Return the name of the repository, or of the recipe where none is named."""
    repo = repo_of(splits)
    return repo.split("/")[1] if repo else str(splits[0]["recipe"]["name"])


def repo_of(splits: Sequence[Facts]) -> str | None:
    """Return `ORG/NAME` of the repository, None where no recipe names one."""
    return next((facts["repo"] for facts in splits if facts["repo"]), None)


def configs_of(splits: Sequence[Facts]) -> list[str]:
    """Return the configurations: the default one in front, the raw rows last."""
    names = sorted({name for facts in splits for name in facts["configs"]} - {RAW})
    default = FILTERED if FILTERED in names else names[0]
    return [default, *(name for name in names if name != default), RAW]


def _license(splits: Sequence[Facts]) -> dict[str, Any]:
    """Return the licence keys. One that the Hub has no id for is `other`, with name and link."""
    told = [key for facts in splits for key in licenses_of(facts)]
    ids = sorted({key if license_of(key).hub else "other" for key in told})
    keys: dict[str, Any] = {"license": ids[0] if len(ids) == 1 else ids}
    others = {
        (one["license"], one["name"]): one
        for facts in splits
        for one in facts["licenses"]
        if one["license"] in licenses_of(facts) and _is_other(one["license"])
    }
    if "other" in ids and others:
        keys |= _named(list(others.values()), splits[0]["split"])
    return keys


def _named(others: Sequence[Facts], split: str) -> dict[str, str]:
    """Name licences without an id: one with its link, several with the notice that lists them."""
    names = [_name_of(one) for one in others]
    if len(names) > 1:
        together = "-and-".join(dict.fromkeys(names))
        return {"license_name": together, "license_link": f"licenses/{split}/NOTICE.txt"}
    one = others[0]
    link = one["link"] or license_of(one["license"]).link or (one["files"] or [None])[0]
    return {"license_name": names[0]} | ({"license_link": link} if link else {})


def _name_of(one: Facts) -> str:
    known = license_of(one["license"])
    own = f"{one['model'].split('/')[-1]}-license".lower()
    return str(one["name"] or (known.id if known.link else own))


def _is_other(key: str | None) -> bool:
    return key is not None and (key == "other" or not license_of(key).hub)


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


def _annotated(splits: Sequence[Facts]) -> bool:
    return any(facts.get("annotators") for facts in splits)


def _sources(splits: Sequence[Facts]) -> dict[str, list[str]]:
    """Return the data sets that rows were taken from, where they lie on the Hub."""
    sources = [facts["source"] for facts in splits if facts.get("source")]
    names = sorted({source["dataset"] for source in sources if source["on_hub"]})
    if sources:
        return {"source_datasets": names} if names else {}
    return {"source_datasets": ["original"]}


def _config(name: str, splits: Sequence[Facts], *, default: bool) -> dict[str, Any]:
    files = [
        {"split": facts["split"], "path": parquet_pattern(name, facts["split"])}
        for facts in splits
        if name in facts["configs"]
    ]
    mark = {"default": True} if default else {}
    return {"config_name": name, **mark, "data_files": files}
