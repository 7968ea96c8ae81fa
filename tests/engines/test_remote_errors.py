"""What the engines make of a server's refusals, and which key they send."""

import json

import pytest

from builder.engines.remote.errors import Where, event_error, refusal
from builder.engines.remote.http import Answer
from builder.engines.remote.model import api_key, open_server
from builder.errors import (
    BrokenStreamError,
    EngineError,
    FailedGenerationError,
    OverloadedError,
    RowError,
    StalledError,
    UnavailableError,
    UsageError,
)
from builder.recipe.engine_spec import TgiEngineSpec

WHERE = Where("http://host:80", key="s3cret", key_from="MY_KEY")


def answer(status, body):
    return Answer(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "error_type", "kind"),
    [
        (429, "overloaded", OverloadedError),
        (429, None, OverloadedError),
        (424, "generation", FailedGenerationError),
        (500, "incomplete_generation", BrokenStreamError),
        (500, None, FailedGenerationError),
        (502, None, UnavailableError),
        (503, "healthcheck", UnavailableError),
        (504, None, StalledError),
        (400, None, RowError),
        (413, None, RowError),
        (422, "validation", RowError),
        (401, None, EngineError),
        (403, None, EngineError),
        (404, None, EngineError),
        (405, None, EngineError),
        (301, None, EngineError),
    ],
)
def test_a_status_means_what_the_caller_should_do(status, error_type, kind):
    error = refusal(WHERE, answer(status, {"error": "why", "error_type": error_type}))
    assert type(error) is kind
    told = f" ({error_type})" if error_type else ""
    assert error.message == f"http://host:80 answered {status}{told}: why"


@pytest.mark.parametrize(
    ("error_type", "kind"),
    [
        ("overloaded", OverloadedError),
        ("generation", FailedGenerationError),
        ("incomplete_generation", BrokenStreamError),
        ("validation", RowError),
        ("healthcheck", UnavailableError),
        ("something new", FailedGenerationError),
        (None, FailedGenerationError),
    ],
)
def test_an_error_in_a_stream_means_the_same(error_type, kind):
    assert type(event_error(WHERE, "why", error_type)) is kind


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": "a\n  b"}, "a b"),
        ({"error": {"message": "too long", "code": 400}}, "too long"),
        ({"message": "too long", "object": "error"}, "too long"),
        ({"detail": [{"loc": ["body"]}]}, '[{"loc":["body"]}]'),
        (b"<html>\n<b>no</b>", "<html> <b>no</b>"),
        ({"other": 1}, '{"other": 1}'),
        ({"error": "your key s3cret is bad"}, "your key [key] is bad"),
        ({"error": "x" * 1000}, "x" * 299 + "…"),
        (b"\xff", "\ufffd"),
    ],
)
def test_the_server_is_quoted_in_a_line_and_without_the_key(body, said):
    assert refusal(WHERE, answer(422, body)).message == f"http://host:80 answered 422: {said}"


def test_an_answer_without_words_is_still_said():
    assert refusal(WHERE, answer(503, b"")).message == "http://host:80 answered 503"


def test_the_mend_names_the_variable():
    assert refusal(WHERE, answer(401, b"")).mend == (
        "The key from MY_KEY is refused: renew it, or ask for access."
    )
    assert refusal(Where("http://host"), answer(401, b"")).mend == (
        "It wants a key: put it into an environment variable and name that one, "
        "--set engine.api_key_env=NAME"
    )
    assert refusal(Where("http://host", "TGI"), answer(404, b"")).mend == (
        "Is it a TGI server? Look at engine.kind and engine.endpoint."
    )


def spec(**options):
    return TgiEngineSpec(kind="tgi", **options)


@pytest.fixture
def token(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_abc")


@pytest.mark.parametrize(
    ("endpoint", "sent"),
    [
        ("https://abc.us-east-1.aws.endpoints.huggingface.cloud", True),
        ("https://huggingface.co/x", True),
        ("https://me-my.hf.space", True),
        ("http://me-my.hf.space", False),
        ("https://nothuggingface.co", False),
        ("https://huggingface.co.example.org", False),
        ("http://127.0.0.1:8080", False),
        ("https://gpu.example.org", False),
    ],
)
def test_the_token_of_the_hub_goes_to_the_hub_only(token, endpoint, sent):
    key = api_key(endpoint, spec())
    assert (key.key, key.source) == (("hf_abc", "HF_TOKEN") if sent else (None, None))


def test_a_named_variable_goes_to_the_server(token, monkeypatch):
    monkeypatch.setenv("MY_KEY", " s3cret\n")
    key = api_key("http://127.0.0.1:8080", spec(api_key_env="MY_KEY"))
    assert key.headers == {"authorization": "Bearer s3cret"}
    assert "s3cret" not in repr(key)
    _, where = open_server("http://u:p@host:80/x/?y", spec(api_key_env="MY_KEY"), "TGI")
    assert where.address == "http://host:80/x"
    assert "s3cret" not in repr(where)


@pytest.mark.parametrize("value", [None, "", "a\nb", "schlüssel"])
def test_a_key_that_cannot_be_sent_is_refused(monkeypatch, value):
    monkeypatch.delenv("MY_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("MY_KEY", value)
    with pytest.raises(UsageError, match="MY_KEY") as error:
        api_key("http://127.0.0.1:8080", spec(api_key_env="MY_KEY"))
    assert value is None or not value or value not in str(error.value)
