"""The columns of a configuration as the Hub's metadata of a card spells them: `dataset_info`.

`datasets` takes the columns of all splits of a configuration for those of the first. Where one
split has an annotation that another lacks, it can open neither, unless the card tells it what
columns there are in all; those that a split lacks are then null. (datasets 5.2:
`table.cast_table_to_schema`; the spelling is that of `Features._to_yaml_list`.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from builder.release.facts import Facts


def dataset_info(splits: Sequence[Facts], config: str) -> dict[str, Any] | None:
    """Return what the metadata says of a configuration; None where its splits have equal columns.

    A column that two splits have in two types is left as the first one has it.
    """
    found = [facts["configs"][config]["columns"] for facts in splits if config in facts["configs"]]
    kinds = [{column["name"]: column["type"] for column in columns} for columns in found]
    if all(list(one) == list(kinds[0]) for one in kinds):
        return None
    merged: dict[str, str] = {}
    for one in kinds:
        merged |= {name: kind for name, kind in one.items() if name not in merged}
    features = [{"name": name, **feature(kind)} for name, kind in merged.items()]
    return {"config_name": config, "features": features}


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
