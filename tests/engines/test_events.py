import json

import pytest

from builder.engines.remote.events import Details, Events, Token, TokenEvent, token_events
from builder.errors import BrokenStreamError

STREAM = (
    b": a comment\r\n\r\n"
    b'data:{"index":1,"token":{"id":7,"text":"\xc3\xbc","logprob":-0.5,"special":false}}\n\n'
    b"event: token\nid: 2\nretry: 5\n"
    b'data: {"index":2,"token":{"id":8,"text":"\xf0\x9f\x99\x82","logprob":null,"special":true},'
    b'"top_tokens":[],"generated_text":null,"details":null}\r\n\r\n'
    b":\n\n"
    b'data:{"index":3,"token":{"id":9,"text":"\\u00e9","logprob":0.0,"special":false},'
    b'"generated_text":"all","details":{"finish_reason":"length","generated_tokens":3,"seed":1}}\n\n'
    b"data: [DONE]\n\n"
)
TEXTS = ["ü", "🙂", "é"]


def fed(pieces):
    events = Events()
    return [data for piece in pieces for data in events.feed(piece)] + events.end()


def test_the_data_of_events_is_found():
    found = fed([STREAM])
    assert [json.loads(data)["token"]["text"] for data in found[:-1]] == TEXTS
    assert found[-1] == b"[DONE]"


def test_where_the_bytes_are_cut_does_not_matter():
    whole = fed([STREAM])
    for size in (1, 2, 3, 7, 64):
        pieces = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
        assert fed(pieces) == whole
    for cut in range(len(STREAM)):
        assert fed([STREAM[:cut], STREAM[cut:]]) == whole


def test_a_last_line_without_a_break_is_an_event_at_the_end_only():
    events = Events()
    assert events.feed(b"data:1\n\ndata:2") == [b"1"]
    assert events.end() == [b"2"]
    assert events.end() == []


def test_tokens_are_decoded_one_or_many_at_a_time():
    data = fed([STREAM])[:-1]
    wanted = [
        TokenEvent(Token("ü")),
        TokenEvent(Token("🙂", True)),
        TokenEvent(Token("é"), Details("length", 3)),
    ]
    assert token_events(data) == wanted
    assert [token_events([one])[0] for one in data] == wanted


def test_an_error_event_is_decoded():
    data = b'{"error":"Request failed","error_type":"generation"}'
    assert token_events([data]) == [TokenEvent(error="Request failed", error_type="generation")]


@pytest.mark.parametrize(
    "data",
    [
        b"<html>bad gateway</html>",
        b'{"index":3,"token":{"id":12,"te',
        b'{"token":"text"}',
        b'{"token":{"text":5}}',
        b"[DONE]",
        b"7",
        b"",
        b'{"token":{"text":"\xff"}}',
    ],
)
@pytest.mark.parametrize("others", [[], [b'{"token":{"text":"a"}}']])
def test_what_is_no_event_is_a_broken_stream(data, others):
    with pytest.raises(BrokenStreamError, match="which is not of its protocol"):
        token_events([*others, data])
