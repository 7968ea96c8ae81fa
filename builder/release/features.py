"""What the card's metadata says of the rows of a configuration: `dataset_info`.

`datasets` takes the columns of all splits of a configuration for those of the first. Where one
split has an annotation that another lacks, it can open neither, unless the card tells it what
columns there are in all; those that a split lacks are then null. (datasets 5.2:
`table.cast_table_to_schema`; the spelling is that of `Features._to_yaml_list`.) It refuses a split
whose number of rows is another than told (`info_utils.verify_splits`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from builder.release.facts import Facts


def dataset_info(splits: Sequence[Facts], config: str) -> dict[str, Any]:
    """Return columns, rows and bytes of a configuration, over all splits that have it.

    A column that two splits have in two types is left as the first one has it. `num_bytes` are
    those of Arrow tables, `download_size` those of the files.
    """
    found = [(facts["split"], facts["configs"][config]) for facts in _with(splits, config)]
    merged: dict[str, str] = {}
    for _, one in found:
        merged |= {c["name"]: c["type"] for c in one["columns"] if c["name"] not in merged}
    sizes = [
        {"name": split, "num_bytes": one["arrow_bytes"], "num_examples": one["rows"]}
        for split, one in found
    ]
    return {
        "config_name": config,
        "features": [{"name": name, **feature(kind)} for name, kind in merged.items()],
        "splits": sizes,
        "download_size": sum(one["bytes"] for _, one in found),
        "dataset_size": sum(size["num_bytes"] for size in sizes),
    }


def _with(splits: Sequence[Facts], config: str) -> list[Facts]:
    return [facts for facts in splits if config in facts["configs"]]


def feature(kind: str) -> Mapping[str, Any]:
    """Return a type as YAML has it: `list<string>` -> `{"list": "string"}`.

    Types are those of `columns.type_name`; structs hold no structs.
    """
    if kind.startswith("list<"):
        inner = feature(kind.removeprefix("list<").removesuffix(">"))
        return {"list": inner.get("dtype", inner.get("struct"))}
    if kind.startswith("struct{"):
        fields = kind.removeprefix("struct{").removesuffix("}").split(", ")
        pairs = (field.split(": ") for field in fields)
        return {"struct": [{"name": name, "dtype": dtype} for name, dtype in pairs]}
    return {"dtype": kind}
