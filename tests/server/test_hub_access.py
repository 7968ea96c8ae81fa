"""What the Hub says of a model and of us, and what the cache tells without it."""

import json

import pytest
from huggingface_hub import constants

from builder.recipe.schema import ModelSpec
from builder.server.needs.hub_access import HubAnswer, ask_hub, local_answer, token_finding
from builder.server.needs.hub_cache import ModelFacts
from tests.server.hub import BAD, COMMIT, CONFIG, GOOD, PARAMETERS, STRANGER, running_hub

BYTES = 16_060_522_496
LOG_IN = "export HF_TOKEN=..., or: hf auth login"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, and nobody logged in."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def hub(cache, monkeypatch):
    with running_hub() as server:
        address = f"http://127.0.0.1:{server.server_port}"
        pattern = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", pattern)
        monkeypatch.setattr(constants, "ENDPOINT", address)
        yield server


def model(name, revision="main", license="llama3"):
    return ModelSpec(id=name, revision=revision, license=license)


def said(answer):
    return [(one.fine, str(one)) for one in answer.findings]


def blobs(cache, name):
    folder = cache / f"models--{name.replace('/', '--')}" / "blobs"
    folder.mkdir(parents=True)
    return folder


def test_an_open_model_needs_no_token(hub):
    answer = ask_hub(model("org/open"))

    assert said(answer) == [
        (True, "token: none is set, and org/open is open"),
        (True, "access: org/open at main is open to all"),
    ]
    assert answer.facts == ModelFacts(CONFIG, PARAMETERS, BYTES, BYTES)


def test_what_the_cache_holds_need_not_be_fetched(hub, cache):
    (blobs(cache, "org/open") / ("a" * 64)).touch()

    assert ask_hub(model("org/open")).facts.missing == 6_060_522_496


def test_a_gated_model_with_access(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", GOOD)

    answer = ask_hub(model("org/gated", COMMIT))

    assert said(answer) == [
        (True, "token: a Hub token is set"),
        (True, f"access: granted to org/gated at {COMMIT}, which is gated"),
    ]
    assert answer.facts.config == CONFIG


def test_a_gated_model_without_a_token(hub):
    answer = ask_hub(model("org/gated", license="other"))

    assert said(answer) == [
        (
            False,
            "token: no HF_TOKEN and no stored login, and org/gated is gated. Accept its licence at "
            f"https://huggingface.co/org/gated, then {LOG_IN}",
        )
    ]
    assert answer.facts == ModelFacts({}, PARAMETERS, BYTES, BYTES)


@pytest.mark.parametrize(
    ("token", "name", "revision", "access"),
    [
        (
            STRANGER,
            "org/gated",
            "main",
            "org/gated is gated, and this token has no access to it. Accept its licence at "
            "https://huggingface.co/org/gated with the account of the token",
        ),
        (
            BAD,
            "org/gated",
            "main",
            "the Hub does not know this token: it is wrong, or was revoked. Make one at "
            f"https://huggingface.co/settings/tokens, then {LOG_IN}",
        ),
        (
            GOOD,
            "org/nothing",
            "main",
            "there is no model org/nothing on the Hub, or it is private. Mend model.id; for a "
            f"private model {LOG_IN}",
        ),
        (
            GOOD,
            "org/open",
            "v9",
            "org/open has no revision v9. See https://huggingface.co/org/open/commits for those "
            "it has",
        ),
    ],
)
def test_what_the_hub_refuses(token, name, revision, access, hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", token)

    answer = ask_hub(model(name, revision))

    assert said(answer) == [
        (True, "token: a Hub token is set"),
        (False, f"access: {access}"),
    ]
    assert token not in str(answer)


def test_a_hub_that_is_out_of_reach(hub, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")

    assert said(ask_hub(model("org/open", license="apache-2.0"))) == [
        (True, "token: none is set"),
        (
            False,
            "access: http://127.0.0.1:9 cannot be reached, and the cache lacks org/open at main. "
            "Connect to the network, or give a folder as model.id",
        ),
    ]


@pytest.mark.parametrize(
    ("license", "gated", "fine"),
    [
        ("llama3.1", None, False),
        ("gemma", None, False),
        ("apache-2.0", None, True),
        ("llama3", False, True),
        ("mit", True, False),
    ],
)
def test_the_licence_tells_while_the_hub_is_silent(license, gated, fine, cache):
    assert token_finding(model("org/x", license=license), gated).fine is fine


def snapshot(cache, names):
    folder = cache / "models--org--open"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(COMMIT)
    files = folder / "snapshots" / COMMIT
    files.mkdir(parents=True)
    (files / "config.json").write_text(json.dumps(CONFIG))
    for name in names:
        (files / name).write_bytes(b"1234")
    return files


@pytest.mark.parametrize("revision", ["main", COMMIT])
def test_a_model_that_the_cache_has_whole_is_not_asked_for(revision, cache):
    snapshot(cache, ["model.safetensors"])

    answer = local_answer(model("org/open", revision), None)

    found = f"access: not asked: the cache has all of org/open at {revision}"
    assert said(answer) == [(True, found)]
    assert answer.facts == ModelFacts(CONFIG, None, 4, 0)


def test_a_shard_that_the_cache_lacks_is_asked_for(cache):
    files = snapshot(cache, ["one.safetensors"])
    index = {"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}
    (files / "model.safetensors.index.json").write_text(json.dumps(index))

    assert local_answer(model("org/open"), None) is None

    (files / "two.safetensors").write_bytes(b"12")
    assert local_answer(model("org/open"), None).facts.stored == 6


def test_offline_the_hub_is_not_asked(cache, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    assert said(local_answer(model("org/open"), None)) == [
        (
            False,
            "access: HF_HUB_OFFLINE is set, and the cache lacks org/open at main. Unset "
            "HF_HUB_OFFLINE, or first: hf download org/open --revision main",
        )
    ]


def test_a_folder_tells_its_own_size(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "model.safetensors").write_bytes(b"12345")

    assert local_answer(model("demo"), tmp_path) == HubAnswer(ModelFacts(CONFIG, None, 5, 0))
    assert local_answer(model("demo"), tmp_path / "none") == HubAnswer(ModelFacts(missing=0))
