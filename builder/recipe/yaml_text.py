"""From YAML text to plain values that know their lines.

PyYAML's own loader takes the last of two equal keys, keeps no lines and unfolds aliases without
end. So the text is composed to nodes by PyYAML, and the nodes are turned into values here.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

import yaml

from builder.recipe.faults import Fault, KeyPath, dotted, shorten
from builder.recipe.yaml_faults import syntax_fault

MOST_VALUES = 20_000
"""Values that a recipe may unfold to. Ten aliases of ten aliases ... reach millions in 20 lines."""

DEEPEST = 24
"""Levels of nesting; a recipe has 4."""

Values = dict[str, object]


@dataclass
class Document:
    """A recipe's values, the line of each, and what was wrong with the text itself.

    `lines` goes from the path of a value to the line (from 1) on which its key stands. `raw` keeps
    what was written where YAML reads something else into it (`on` is true, `1:30` is 90).
    """

    file: str
    values: Values = field(default_factory=dict)
    lines: dict[KeyPath, int] = field(default_factory=dict)
    raw: dict[KeyPath, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def line(self, path: KeyPath) -> int:
        """Return the line of a path, or of the nearest section around it that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


class _TooMuchError(Exception):
    """The text unfolds to more than any recipe needs."""


def parse_yaml(text: str, file: str) -> Document:
    """Read the text of a recipe. What is wrong with it stands in `faults`; nothing is raised."""
    document = Document(file)
    loader = None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            document.faults.append(Fault(file, 1, "", "is empty", "see `magpie recipe new`"))
        elif not isinstance(node, yaml.MappingNode):
            message = f"saw {_kind(node)} where the recipe's keys belong"
            document.faults.append(Fault(file, 1, "", message, "write lines such as name: demo"))
        else:
            document.values = _Reader(loader, document).mapping(node, ())
    except yaml.YAMLError as error:
        document.faults.append(syntax_fault(error, text, file))
    except (RecursionError, _TooMuchError):
        message = f"unfolds to more than {MOST_VALUES} values or {DEEPEST} levels"
        document.faults.append(Fault(file, 1, "", message, "write it without nested aliases"))
    finally:
        if loader is not None:
            loader.dispose()
    return document


def scalar(text: str) -> object:
    """Return what YAML reads in a plain scalar: `64` a number, `true` a truth value, else text."""
    loader = yaml.SafeLoader("")
    try:
        tag = loader.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
        return loader.construct_object(yaml.ScalarNode(tag, text))
    except (ValueError, yaml.YAMLError):
        return text
    finally:
        loader.dispose()


class _Reader:
    """Turns nodes into values and notes lines and faults as it goes."""

    def __init__(self, loader: yaml.SafeLoader, document: Document) -> None:
        self.loader = loader
        self.document = document
        self.seen = 0

    def value(self, node: yaml.Node, path: KeyPath) -> object:
        self.seen += 1
        if self.seen > MOST_VALUES or len(path) > DEEPEST:
            raise _TooMuchError
        if not node.tag.startswith("tag:yaml.org,2002:") or "python" in node.tag:
            mend = "leave the tag out: a recipe is data only"
            self.fault(node, path, f"saw the tag {shorten(_tag(node))}", mend)
            return None
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self.document.lines[*path, index] = item.start_mark.line + 1
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self.scalar(node, path)

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> Values:
        own = self.own_keys(node, path)
        self.loader.flatten_mapping(node)  # takes `<<: *anchor` in
        values: Values = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None or id(key_node) in own:
                continue
            self.document.lines[*path, key] = key_node.start_mark.line + 1
            values[key] = self.value(value_node, (*path, key))
        return values

    def own_keys(self, node: yaml.MappingNode, path: KeyPath) -> set[int]:
        """Report keys that are no text or stand twice; return the ids of their nodes."""
        first: dict[Hashable, int] = {}
        faulty: set[int] = set()
        for key_node, _ in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value
            if not isinstance(key_node, yaml.ScalarNode):
                self.fault(key_node, path, f"saw {_kind(key_node)} as a key", "write a name")
            elif key_node.tag == "tag:yaml.org,2002:merge":
                continue
            elif key_node.tag != "tag:yaml.org,2002:str":
                message = f"saw the key {shorten(key)}, which YAML does not read as text"
                self.fault(key_node, path, message, f'write "{shorten(key)}" in quotes')
            elif key in first:
                message = f"stands twice, first in line {first[key]}"
                self.fault(key_node, (*path, key), message, "keep one of the two")
            else:
                first[key] = line
                continue
            faulty.add(id(key_node))
        return faulty

    def scalar(self, node: yaml.Node, path: KeyPath) -> object:
        try:
            value: object = self.loader.construct_object(node)
        except (ValueError, yaml.YAMLError):
            self.fault(node, path, f"saw {shorten(str(node.value))}", "write it in quotes")
            return None
        if not isinstance(value, str):
            self.document.raw[path] = node.value
        return value

    def fault(self, node: yaml.Node, path: KeyPath, message: str, mend: str) -> None:
        line = node.start_mark.line + 1
        self.document.faults.append(Fault(self.document.file, line, dotted(path), message, mend))


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a section"
    return "a list" if isinstance(node, yaml.SequenceNode) else "a single value"


def _tag(node: yaml.Node) -> str:
    return str(node.tag).replace("tag:yaml.org,2002:", "!!")
