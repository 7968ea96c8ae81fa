"""What the Hub says of a card's YAML before it takes the card.

Known from answers of /api/validate-yaml that others wrote down: no block is a warning; broken YAML,
a list, a bare word and an empty block are errors; unknown keys are allowed; a licence and a size
that are not on the Hub's lists and a language that is no code are errors. The rules for `configs`
are those of datasets 5.2 (`utils/metadata.py`, `naming.py`); how the Hub words them is a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

BLOCK = re.compile(r"^(\s*---[\r\n]+)([\S\s]*?)([\r\n]+---(\r\n|\n|$))")
"""huggingface_hub, `REGEX_YAML_BLOCK`."""

SPLIT = re.compile(r"\w+(\.\w+)*")
LANGUAGE = re.compile(r"[a-z]{2,3}|code|multilingual")
CARD_HELP = "https://huggingface.co/docs/hub/model-cards#model-card-metadata"
LINT_HELP = "You can use a tool like http://www.yamllint.com/ to check it"
MISSING = {"message": "empty or missing yaml metadata in repo card", "help": CARD_HELP}
INVALID = "The YAML metadata of your README.md is invalid."

_LICENSES = """
    apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0
    bigcode-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause
    bsd-3-clause-clear c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0
    cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0
    cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0
    cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1
    eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc lppl-1.3c ms-pl
    mpl-2.0 odc-by odbl openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib pddl lgpl-lr
    deepfloyd-if-license llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 gemma unknown other
"""
LICENSES = tuple(_LICENSES.split())
"""Hub documentation, "Licenses"."""

_SIZES = """
    unknown n<1K 1K<n<10K 10K<n<100K 100K<n<1M 1M<n<10M 10M<n<100M 100M<n<1B 1B<n<10B 10B<n<100B
    100B<n<1T n>1T
"""
SIZES = tuple(_SIZES.split())
"""datasets, `utils/resources/size_categories.json`."""


def metadata(content: str) -> dict[str, Any]:
    """The YAML of a card; nothing where it cannot be read."""
    block = BLOCK.search(content)
    try:
        told = yaml.safe_load(block[2]) if block else None
    except yaml.YAMLError:
        return {}
    return told if isinstance(told, dict) else {}


def check(content: str, kind: str) -> dict[str, list[dict[str, Any]]]:
    """`errors` and `warnings` of a README.md of a `model` or a `dataset`."""
    block = BLOCK.search(content)
    if block is None:
        return {"errors": [], "warnings": [MISSING]}
    try:
        told = yaml.safe_load(block[2])
    except yaml.YAMLError as error:
        return _errors(f"Invalid YAML in README.md: {error}")
    if isinstance(told, list):
        return _errors('"value" must be of type object')
    if not isinstance(told, dict):
        return _errors(INVALID)
    return _errors(*_lists(told), *(_configs(told.get("configs")) if kind == "dataset" else ()))


def _errors(*messages: str) -> dict[str, list[dict[str, Any]]]:
    errors = [{"message": message, "help": LINT_HELP, "type": "error"} for message in messages]
    return {"errors": errors, "warnings": []}


def _lists(told: dict[str, Any]) -> Iterator[str]:
    """Keys whose values are on a list of the Hub; each may be one or several."""
    for key, allowed in (("license", LICENSES), ("size_categories", SIZES)):
        for value in _several(told.get(key)):
            if value not in allowed:
                yield f'"{key}" must be one of [{", ".join(allowed)}]'
    for value in _several(told.get("language")):
        if not (isinstance(value, str) and LANGUAGE.fullmatch(value)):
            yield (
                f'"language" with value "{value}" is not valid. It must be an ISO 639-1, 639-2 or '
                '639-3 code (two/three letters), or a special value like "code", "multilingual".'
            )


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _configs(configs: Any) -> Iterator[str]:
    if configs is None:
        return
    if not isinstance(configs, list):
        yield '"configs" must be an array'
        return
    for number, config in enumerate(configs):
        where = f"configs[{number}]"
        name = config.get("config_name") if isinstance(config, dict) else None
        if not isinstance(name, str):
            yield f'"{where}.config_name" is required'
        elif name == "data":
            yield f'"{where}.config_name" contains an invalid value'
        else:
            yield from _data_files(f"{where}.data_files", config.get("data_files"))
    defaults = [one for one in configs if isinstance(one, dict) and one.get("default")]
    if len(defaults) > 1:
        yield '"configs" contains several configs with default: true'


def _data_files(where: str, told: Any) -> Iterator[str]:
    if told is None or isinstance(told, str):
        return
    if not isinstance(told, list):
        yield f'"{where}" must be a string or an array'
        return
    for number, one in enumerate(told):
        if isinstance(one, str):
            continue
        if not isinstance(one, dict) or set(one) != {"split", "path"}:
            yield f'"{where}[{number}]" must have a split and a path'
        elif not SPLIT.fullmatch(str(one["split"])):
            pattern = f"/^{SPLIT.pattern}$/"
            yield (
                f'"{where}[{number}].split" with value "{one["split"]}" fails to match the '
                f"required pattern: {pattern}"
            )
