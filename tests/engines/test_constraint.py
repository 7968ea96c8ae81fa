import json

import pytest

from builder.engines.constraint import ONE_LINE, SAMPLE, is_held, on_one_line, schema_of
from builder.errors import EngineError

VALUE = '{"magpie": "qx7", "jay": "vz4"}'


@pytest.mark.parametrize(
    ("text", "held"),
    [
        (VALUE, True),
        (VALUE.replace(" ", ""), True),
        (json.dumps(json.loads(VALUE), indent=2), True),
        (f"{VALUE}<|eot_id|>", True),
        ('{"jay": "vz4", "magpie": "qx7"}', False),
        ('{"magpie": "qx7"', False),
        ('{"magpie": "black"}', False),
        ("{" + " " * 60, False),
        (f"Sure: {VALUE}", False),
        ("", False),
    ],
)
def test_a_completion_shows_whether_it_was_held_to_the_sample(text, held):
    assert is_held(text) is held


def test_the_sample_admits_one_value_only():
    (value,) = [{name: part["enum"] for name, part in SAMPLE["properties"].items()}]
    assert value == {"magpie": ["qx7"], "jay": ["vz4"]}
    assert sorted(SAMPLE["required"]) != SAMPLE["required"]


@pytest.mark.parametrize("text", ["", "{", "[]", '"object"'])
def test_what_is_no_schema_stops(text):
    with pytest.raises(EngineError, match=r"^a schema is no JSON"):
        schema_of(text)


def test_a_schema_keeps_its_order_and_gets_the_wish_for_one_line_at_its_end():
    text = '{"type": "object", "properties": {"b": {}, "a": {}}}'
    assert json.dumps(on_one_line(schema_of(text))) == text[:-1] + ", " + json.dumps(ONE_LINE)[1:]
