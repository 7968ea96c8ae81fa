"""What the TGI server refuses, in the real router's words (`validation.rs`), and what it takes."""

from __future__ import annotations

import pytest

from tests.servers.asking import ask
from tests.servers.tgi import Limits, tgi_server

LIMITS = Limits(max_input_tokens=20, max_total_tokens=50)


@pytest.fixture(scope="module")
def server():
    with tgi_server(limits=LIMITS) as server:
        yield server


REFUSED = [
    ({"temperature": 0}, "`temperature` must be strictly positive"),
    ({"temperature": -0.5}, "`temperature` must be strictly positive"),
    ({"top_p": 0}, "`top_p` must be > 0.0 and < 1.0"),
    ({"top_p": 1.0}, "`top_p` must be > 0.0 and < 1.0"),
    ({"typical_p": 1.0}, "`typical_p` must be > 0.0 and < 1.0"),
    ({"top_k": 0}, "`top_k` must be strictly positive"),
    ({"repetition_penalty": 0}, "`repetition_penalty` must be strictly positive"),
    ({"frequency_penalty": 2.5}, "`frequency_penalty` must be >= -2.0 and <= 2.0"),
    ({"max_new_tokens": 0}, "`max_new_tokens` must be strictly positive"),
    ({"stop": list("abcde")}, "`stop` supports up to 4 stop sequences. Given: 5"),
    ({"truncate": 0}, "`truncate` must be strictly positive and less than 20. Given: 0"),
    ({"top_n_tokens": 6}, "`top_n_tokens` must be >= 0 and <= 5. Given: 6"),
    (
        {"max_new_tokens": 49},
        "`inputs` tokens + `max_new_tokens` must be <= 50. "
        "Given: 2 `inputs` tokens and 49 `max_new_tokens`",
    ),
]
ONLY_WHOLE = [
    ({"best_of": 2}, "you must use sampling when `best_of` is > 1"),
    ({"best_of": 3, "do_sample": True}, "`best_of` must be > 0 and <= 2. Given: 3"),
    (
        {"best_of": 2, "do_sample": True, "seed": 1},
        "`seed` must not be set when `best_of` > 1",
    ),
]
ONLY_STREAM = [
    ({"best_of": 2, "do_sample": True}, "`best_of` != 1 is not supported when streaming tokens"),
    (
        {"decoder_input_details": True},
        "`decoder_input_details` == true is not supported when streaming tokens",
    ),
]


@pytest.mark.parametrize(("parameters", "words"), REFUSED + ONLY_WHOLE)
def test_a_whole_answer_is_refused_with_422(server, parameters, words):
    reply = ask(server.url, {"inputs": "x", "parameters": parameters})
    assert reply.refusal == (422, "validation", f"Input validation error: {words}")


@pytest.mark.parametrize(("parameters", "words"), REFUSED + ONLY_STREAM)
def test_a_stream_is_refused_by_an_event_after_a_200(server, parameters, words):
    """The real router answers before it validates; so a client must read the events."""
    reply = ask(server.url, {"inputs": "x", "parameters": parameters, "stream": True})
    assert reply.status == 200
    (event,) = reply.events
    assert event == {"error": f"Input validation error: {words}", "error_type": "validation"}


def test_an_empty_input_and_a_long_one_are_refused(server):
    assert ask(server.url, {"inputs": ""}).refusal == (
        422,
        "validation",
        "Input validation error: `inputs` cannot be empty",
    )
    long = {"inputs": "a " * 20, "parameters": {"max_new_tokens": 3}}
    words = ask(server.url, long).refusal[2]
    assert words.startswith(
        "Input validation error: `inputs` must have less than 20 tokens. Given:"
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "missing field `inputs`"),
        ({"inputs": 4}, "inputs: invalid type: `4`, expected a string"),
        ({"inputs": "x", "stream": "yes"}, "stream: invalid type: str, expected bool"),
        ({"inputs": "x", "parameters": {"top_k": 1.5}}, "parameters.top_k: invalid type: `1.5`"),
        ({"inputs": "x", "parameters": {"seed": -1}}, "parameters.seed: invalid type: `-1`"),
        ({"inputs": "x", "parameters": {"stop": "a"}}, "parameters.stop: invalid type: str"),
        ({"inputs": "x", "parameters": {"max_new_tokens": "9"}}, "expected u32"),
        ({"inputs": "x", "parameters": {"details": None}}, "expected bool"),
    ],
)
def test_a_wrong_type_is_a_422_in_plain_text(server, body, words):
    reply = ask(server.url, body)
    assert reply.status == 422
    assert reply.text.startswith("Failed to deserialize the JSON body into the target type: ")
    assert words in reply.text


def test_what_is_no_json_is_no_422(server):
    assert ask(server.url, b"{").status == 400
    assert ask(server.url, b"{}", **{"Content-Type": "text/plain"}).status == 415
    assert ask(server.url, {"inputs": "x" * 2_000_001}).status == 413


@pytest.mark.parametrize(
    "parameters",
    [
        {"temperature": 0.01, "top_p": 0.999, "top_k": 1, "stop": list("abcd"), "seed": 2**63},
        {"max_new_tokens": 48, "truncate": None, "no_such_parameter": 3},
        {"best_of": 2, "do_sample": True, "details": True},
    ],
)
def test_what_lies_just_within_is_taken(server, parameters):
    assert ask(server.url, {"inputs": "x", "parameters": parameters}).status == 200


def test_its_completions_refuse_what_tgi_refuses(server):
    url = f"{server.url}/v1/completions"
    assert ask(url, {"prompt": "x", "top_p": 1.0, "max_tokens": 3}).refusal[0] == 422
    assert ask(url, {"prompt": "x", "suffix": "y"}).refusal[1] == "suffix not supported"
    assert ask(url, {"prompt": ["x"] * 5}).refusal[1] == "batch size exceeded"
    assert ask(url, {"prompt": [4080, 64]}).status == 422
    assert ask(url, {"prompt": "x", "temperature": 0, "max_tokens": 3}).status == 200
    (event, done) = ask(url, {"prompt": "x", "top_p": 1.0, "stream": True}).events
    assert event["error"]["message"].endswith("`top_p` must be > 0.0 and < 1.0")
    assert done == "[DONE]"


def test_there_is_no_chat_template(server):
    assert ask(f"{server.url}/chat_tokenize", {"messages": []}).refusal[:2] == (
        404,
        "template_error",
    )
