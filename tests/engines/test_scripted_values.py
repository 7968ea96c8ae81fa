import random

import pytest

from builder.engines.scripted_values import invented
from builder.errors import EngineError


def values(schema, seeds=range(200)):
    return [invented(schema, random.Random(seed), lambda: "Tides turn.") for seed in seeds]


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"enum": ["a", 1]}, {"a", 1}),
        ({"const": None}, {None}),
        ({"type": "boolean"}, {True, False}),
        ({"type": "null"}, {None}),
        ({"type": "integer", "minimum": 3, "maximum": 5}, {3, 4, 5}),
        ({"type": "string"}, {"Tides turn."}),
        ({"type": "string", "maxLength": 4}, {"Tide"}),
        ({"type": "string", "minLength": 12}, {"Tides turn. Tides turn."}),
    ],
)
def test_a_value_fits_its_schema(schema, expected):
    assert set(values(schema)) == expected


def test_a_number_lies_between_its_bounds():
    found = values({"type": "number", "minimum": 1, "maximum": 2})
    assert min(found) >= 1
    assert max(found) <= 2
    assert len(set(found)) > 50


def test_a_list_has_as_many_items_as_it_may_and_none_twice():
    items = {"enum": ["a", "b", "c"]}
    found = values({"type": "array", "items": items, "minItems": 1, "maxItems": 5})
    assert {len(one) for one in found} == {1, 2, 3}
    assert [one for one in found if len(set(one)) < len(one)] == []
    free = values({"type": "array", "items": {"type": "null"}, "minItems": 4})
    assert {len(one) for one in free} == {4}


def test_an_object_has_all_its_properties_in_the_order_of_the_schema():
    inner = {"type": "object", "properties": {"z": {"const": 1}, "a": {"const": 2}}}
    (found,) = values({"type": "object", "properties": {"y": inner, "b": {"const": 3}}}, [0])
    assert repr(found) == "{'y': {'z': 1, 'a': 2}, 'b': 3}"


def test_a_schema_of_which_nothing_is_known_is_refused():
    with pytest.raises(EngineError, match=r"^the scripted engine has no value for the schema"):
        values({"$ref": "#/elsewhere"})
