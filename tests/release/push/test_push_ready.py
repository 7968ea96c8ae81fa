import json

import pytest

from builder.errors import PrerequisiteError, RunError, UsageError
from builder.release.checksums import ITSELF, own_sum
from builder.release.push import ready as module
from builder.release.push.hub import Hub
from builder.release.push.publish import dry_run
from builder.release.push.ready import Order
from builder.release.push.refusals import PublishError
from tests.release.push.conftest import ANN, REPO, TOKEN, Publisher
from tests.release.push.test_push_versions import with_edit
from tests.servers.hub import Account


@pytest.fixture
def account(hub):
    """Makes a token known to the Hub."""

    def make(*given, **told):
        made = Account(*given, **told)
        hub.accounts._known[made.token] = made
        return made.token

    return make


def missing(publisher, folder, **asked):
    with pytest.raises(PrerequisiteError) as caught:
        publisher(folder, **asked)
    return caught.value.missing


def test_without_a_token(hub, made, tmp_path):
    assert missing(Publisher(tmp_path, token=None), made("pro")) == (
        "login: no token was found: set HF_TOKEN, or run `hf auth login`",
    )


def test_with_a_token_that_nobody_has(hub, made, tmp_path):
    assert missing(Publisher(tmp_path, token="hf_stale"), made("pro")) == (
        "login: the Hub does not accept the token. Make one: "
        "https://huggingface.co/settings/tokens, then set HF_TOKEN, or run `hf auth login`",
    )


@pytest.mark.parametrize("token", ["hf_wröng", "hf_two words", "hf_line\nend"])
def test_with_a_token_that_can_be_none(hub, made, tmp_path, token):
    mark = hub.log.mark()
    (line,) = missing(Publisher(tmp_path, token=token), made("pro"))
    assert line.startswith("login: the token has letters that no token has; set HF_TOKEN")
    assert hub.log.since(mark) == []


def test_where_the_client_is_told_to_stay_offline(hub, made, publisher, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    (line,) = missing(publisher, made("pro"))
    assert line.startswith("network: HF_HUB_OFFLINE")


def test_with_a_token_that_only_reads(hub, made, publisher, tmp_path):
    reader = Publisher(tmp_path, token="hf_reader")
    (line,) = missing(reader, made("pro"))
    assert line.startswith("permission: the token of bob can only read.")
    publisher(made("pro"))
    (line,) = missing(reader, made("pro", 7))
    assert line.startswith(f"permission: this token may not write to {REPO}")


@pytest.mark.parametrize(
    ("told", "repo", "seen"),
    [
        ({"orgs": {}}, "org/set", "eve is no member of org"),
        ({"orgs": {"org": "read"}}, "org/set", "eve has the role 'read' in org"),
        (
            {"orgs": {"org": "admin"}, "role": "fineGrained", "scopes": {"eve": ("repo.write",)}},
            "org/set",
            "this fine-grained token may not make repositories of org",
        ),
    ],
)
def test_who_may_not_make_a_repository(made, account, tmp_path, told, repo, seen):
    (line,) = missing(Publisher(tmp_path, account("hf_eve", "eve", **told)), made(), repo=repo)
    assert line.startswith(f"permission: {seen}")


def test_a_fine_grained_token_that_may(made, account, tmp_path, publisher, seen):
    scopes = {"org": ("repo.write", "repo.content.read")}
    publisher.token = account("hf_f", "eve", "fineGrained", orgs={"org": "write"}, scopes=scopes)
    publisher(made("pro"))
    assert list(seen().tags) == ["v1.0.0"]


@pytest.mark.parametrize(
    "repo", ["org/se..t", "org/-set", "org/set.git", "org/a b", "a/b/c", "set"]
)
def test_what_is_no_name_is_bad_usage(publisher, made, hub, repo):
    mark = hub.log.mark()
    with pytest.raises(UsageError, match="is no name of a repository"):
        publisher(made("pro"), repo=repo)
    assert hub.log.since(mark) == []


def test_all_that_is_in_the_way_is_said_at_once(publisher, made, hub, seen):
    publisher(made("pro", 6))
    with_edit(hub, ".gitignore", b"*.parquet\n")
    folder = made("pro", 7)
    facts = json.loads((folder / "facts/pro.json").read_text())
    for one in facts["licenses"]:
        one["license"] = "unknown"
    facts[ITSELF] = own_sum(facts)
    (folder / "facts/pro.json").write_text(json.dumps(facts))
    (folder / "raw/pro-00000-of-00001.parquet").write_bytes(b"short")
    before = seen().head
    release, licence, visibility, ignored = missing(publisher, folder, private=True)
    assert release.startswith("release: raw/pro-00000-of-00001.parquet has 5 bytes, and its facts")
    assert licence.startswith("licence: the licence of org/tiny-model is unknown.")
    assert visibility == (
        f"visibility: {REPO} is public. Make it private in its settings, or leave --private out"
    )
    assert ignored.startswith(f"repository: {REPO} has a .gitignore")
    assert seen().head == before


def test_an_agreement_that_is_not_there_is_told_and_in_nobodys_way(publisher, made):
    folder = made("pro", 3)
    facts = json.loads((folder / "facts/pro.json").read_text())
    facts["licenses"][0] |= {"license": "llama3", "text": True, "agreement": None}
    facts[ITSELF] = own_sum(facts)
    (folder / "facts/pro.json").write_text(json.dumps(facts))
    assert publisher(folder).plan.version.tag == "v1.0.0"
    assert publisher.said[0].startswith(
        "The release holds no copy of the Meta Llama 3 Community License Agreement, under which "
        "org/tiny-model is. Accept the licence at"
    )


def test_a_repository_of_something_else_is_left_alone(publisher, made, hub, seen):
    from huggingface_hub import HfApi

    HfApi(endpoint=hub.url, token=TOKEN).create_repo(REPO, repo_type="dataset")
    with_edit(hub, "data/train.csv", b"a,b\n")
    (line,) = missing(publisher, made("pro"))
    assert line == (
        f"repository: {REPO} holds something else than a release (data/train.csv). Name a new one"
    )


def test_an_empty_repository_is_fine(publisher, made, hub, seen):
    from huggingface_hub import HfApi

    HfApi(endpoint=hub.url, token=TOKEN).create_repo(REPO, repo_type="dataset")
    assert str(publisher(made("pro")).plan.version) == "1.0.0"


def test_a_release_that_was_tampered_with(publisher, made):
    folder = made("pro")
    (folder / "filtered/pro-00001-of-00002.parquet").write_bytes(b"stray")
    (folder / "recipe/pro.yaml").unlink()
    (line,) = missing(publisher, folder)
    assert line == (
        "release: recipe/pro.yaml is missing; filtered/pro-00001-of-00002.parquet is not in the "
        "facts. Make it anew: magpie filter RUN"
    )


def flip(path):
    """Change one byte in the middle of a file, and nothing of its length."""
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)


@pytest.mark.parametrize(
    "name",
    [
        "filtered/pro-00000-of-00001.parquet",
        "raw/pro-00000-of-00001.parquet",
        "recipe/pro.yaml",
        "plots/pro/funnel",
        "licenses/pro/NOTICE.txt",
    ],
)
def test_a_byte_that_flipped_on_the_disk(publisher, made, seen, name):
    folder = made("pro")
    (path,) = sorted(folder.glob(f"{name}*"))[:1]
    flip(path)
    (line,) = missing(publisher, folder)
    assert line == (
        f"release: {path.relative_to(folder)} has other bytes than were written. "
        "Make it anew: magpie filter RUN"
    )
    assert seen().repository is None


def test_facts_that_somebody_edited(publisher, made, seen):
    folder = made("pro")
    facts = folder / "facts/pro.json"
    facts.write_text(facts.read_text().replace('"kept": 6', '"kept": 7'))
    with pytest.raises(RunError, match=r"pro\.json is not as it was written") as caught:
        publisher(folder)
    assert caught.value.mend == "Make it anew: magpie filter RUN"
    assert seen().repository is None


def test_a_file_of_the_split_that_nobody_wrote(publisher, made):
    folder = made("pro")
    (folder / "plots/pro/mine.svg").write_text("<svg/>")
    (line,) = missing(publisher, folder)
    assert line.startswith("release: plots/pro/mine.svg is not in the facts.")


def test_too_many_files_for_one_commit(publisher, made, monkeypatch):
    monkeypatch.setattr(module, "MOST_FILES", 5)
    with pytest.raises(PublishError, match="and the Hub takes some 5 in one commit"):
        publisher(made("pro"))


def test_no_room_to_read_back(publisher, made, monkeypatch):
    monkeypatch.setattr(module, "UNPACKED", 1e12)
    (line,) = missing(publisher, made("pro"))
    assert line.startswith("reading back: it needs some ")
    assert dry_run(Hub(TOKEN), Order(made("pro"), REPO)).parent is None


def test_a_token_is_in_no_word(hub, made, tmp_path):
    publisher = Publisher(tmp_path, token="hf_verysecret")
    with pytest.raises(PrerequisiteError) as caught:
        publisher(made("pro"))
    assert "hf_verysecret" not in repr(caught.value) + str(caught.value)
    assert "hf_verysecret" not in repr(Hub("hf_verysecret"))
    assert ANN.token not in repr(ANN)
