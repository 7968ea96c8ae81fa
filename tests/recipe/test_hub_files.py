"""The Hub's answers, from a server on this machine: the client library itself is the real one."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import huggingface_hub.constants
import pytest

from builder.errors import TemplateError
from builder.recipe.hub_files import (
    GatedModelError,
    OfflineError,
    UnknownModelError,
    UnknownRevisionError,
)
from builder.recipe.tokenizer_files import load_tokenizer_files

COMMIT = "a" * 40
CONFIG = json.dumps({"bos_token": "<s>", "chat_template": "hello"}).encode()


class Hub(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        _, org, name, _, revision, file = self.path.split("/")
        refusal = {
            "gated": (403, "GatedRepo"),
            "nobody": (404, "RepoNotFound"),
        }.get(org)
        if refusal is None and revision not in ("main", COMMIT):
            refusal = (404, "RevisionNotFound")
        if refusal is None and (name == "empty" or file != "tokenizer_config.json"):
            refusal = (404, "EntryNotFound")
        status, code = refusal or (200, None)
        body = b"" if refusal else CONFIG
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def hub(tmp_path, monkeypatch):
    server = HTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    constants = huggingface_hub.constants
    address = f"http://127.0.0.1:{server.server_port}"
    pattern = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", pattern)
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_files_are_read_at_the_commit_of_the_revision(hub):
    files = load_tokenizer_files("org/model", "main", None)

    assert (files.source, files.revision, files.chat_template) == ("org/model", COMMIT, "hello")


@pytest.mark.parametrize(
    ("model", "revision", "kind", "message"),
    [
        (
            "gated/model",
            "main",
            GatedModelError,
            "gated/model is gated, and this token has no access to it\n"
            "accept its licence at https://huggingface.co/gated/model, "
            "then set HF_TOKEN or run `hf auth login`",
        ),
        (
            "nobody/model",
            "main",
            UnknownModelError,
            "there is no model nobody/model on the Hub, or it is private\n"
            "mend model.id; for a private model set HF_TOKEN or run `hf auth login`",
        ),
        (
            "org/model",
            "v9",
            UnknownRevisionError,
            "org/model has no revision v9\n"
            "see https://huggingface.co/org/model/commits for those it has",
        ),
        (
            "org/empty",
            "main",
            TemplateError,
            "org/empty has no tokenizer_config.json at main\n"
            "name a chat model, or give template.pre_query in the recipe",
        ),
    ],
)
def test_what_the_hub_refuses(model, revision, kind, message, hub):
    with pytest.raises(TemplateError) as error:
        load_tokenizer_files(model, revision, None)

    assert (type(error.value), str(error.value)) == (kind, message)


def test_the_cache_serves_when_the_hub_is_out_of_reach(hub, monkeypatch):
    first = load_tokenizer_files("org/model", "main", None)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)

    assert load_tokenizer_files("org/model", "main", None) == first

    with pytest.raises(OfflineError) as error:
        load_tokenizer_files("org/other", "main", None)
    assert str(error.value) == (
        "the Hub cannot be reached, and tokenizer_config.json of org/other is not in the cache\n"
        "connect to the network, or give a folder as model.id"
    )
