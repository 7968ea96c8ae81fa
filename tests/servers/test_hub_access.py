import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import get_session

from tests.servers.hub import COMMIT, Account, Hub, Limits, running_hub, writable_hub
from tests.servers.hub.client import point_here
from tests.servers.hub.server import running

NAME = "org/set"
FINE = {"org/set": ("repo.content.read", "repo.write")}
ACCOUNTS = {
    "writer": Account("hf_writer", "ann", orgs={"org": "write"}),
    "reader": Account("hf_reader", "ann", "read", orgs={"org": "write"}),
    "fine": Account("hf_fine", "ann", "fineGrained", orgs={"org": "admin"}, scopes=FINE),
    "member": Account("hf_member", "bob", orgs={"org": "read"}),
    "stranger": Account("hf_stranger", "eve"),
}


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with writable_hub(tmp_path / "hub", *ACCOUNTS.values()) as server:
        point_here(monkeypatch, server, tmp_path / "home")
        yield server


def api_of(hub, who):
    return HfApi(endpoint=hub.url, token=ACCOUNTS[who].token if who else False)


@pytest.fixture
def repository(hub):
    api_of(hub, "writer").create_repo(NAME, repo_type="dataset")


def commit(api):
    return api.create_commit(
        NAME, [CommitOperationAdd("a.txt", b"a")], commit_message="a", repo_type="dataset"
    )


def told(error):
    """The status, the code and the Hub's own words."""
    response = error.value.response
    return response.status_code, response.headers.get("X-Error-Code"), error.value.server_message


def test_who_sends_a_token(hub):
    ann = api_of(hub, "writer").whoami()
    assert (ann["name"], ann["auth"]["accessToken"]["role"]) == ("ann", "write")
    assert [(org["name"], org["roleInOrg"]) for org in ann["orgs"]] == [("org", "write")]
    fine = api_of(hub, "fine").whoami()["auth"]["accessToken"]
    assert fine["role"] == "fineGrained"
    assert fine["fineGrained"]["scoped"] == [
        {
            "entity": {"type": "dataset", "name": "org/set"},
            "permissions": ["repo.content.read", "repo.write"],
        }
    ]


def test_a_token_that_nobody_has(hub, repository):
    api = HfApi(endpoint=hub.url, token="hf_mistyped")
    for ask in (api.whoami, lambda: api.dataset_info(NAME)):
        with pytest.raises(HfHubHTTPError) as error:
            ask()
        answer = error.value.response
        assert answer.status_code == 401
        assert answer.headers["X-Error-Message"] == "Invalid credentials in Authorization header"


def test_who_may_create(hub):
    for who, name in (("reader", "org/a"), ("fine", "org/a"), ("stranger", "org/a")):
        with pytest.raises(HfHubHTTPError) as error:
            api_of(hub, who).create_repo(name, repo_type="dataset")
        words = 'You don\'t have the rights to create a dataset under the namespace "org"'
        assert told(error) == (403, None, words)
    with pytest.raises(HfHubHTTPError) as error:
        api_of(hub, None).create_repo("org/a", repo_type="dataset")
    assert error.value.response.status_code == 401
    assert api_of(hub, "stranger").create_repo("mine", repo_type="dataset").repo_id == "eve/mine"


def test_a_token_that_may_not_create_passes_over_what_exists(hub, repository):
    made = api_of(hub, "reader").create_repo(NAME, repo_type="dataset", exist_ok=True)

    assert made.repo_id == NAME


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("reader", "you must use a write token to upload to a repository"),
        ("member", "Authorization error."),
        ("stranger", "Authorization error."),
    ],
)
def test_who_may_not_write(hub, repository, who, words):
    with pytest.raises(HfHubHTTPError) as error:
        commit(api_of(hub, who))
    assert told(error) == (403, None, words)
    with pytest.raises(HfHubHTTPError):
        api_of(hub, who).create_tag(NAME, tag="v1.0.0", repo_type="dataset")
    with pytest.raises(HfHubHTTPError):
        api_of(hub, who).auth_check(NAME, repo_type="dataset", write=True)


def test_a_fine_grained_token_writes_where_it_may(hub, repository):
    commit(api_of(hub, "fine"))
    api_of(hub, "fine").auth_check(NAME, repo_type="dataset", write=True)
    api_of(hub, "writer").create_repo("org/other", repo_type="dataset")
    with pytest.raises(HfHubHTTPError):
        api_of(hub, "fine").auth_check("org/other", repo_type="dataset", write=True)


def test_a_private_repository_is_not_there_for_others(hub):
    api_of(hub, "writer").create_repo(NAME, repo_type="dataset", private=True)

    assert api_of(hub, "member").dataset_info(NAME).private is True
    for who, status in (("stranger", 404), (None, 401)):
        with pytest.raises(RepositoryNotFoundError) as error:
            api_of(hub, who).dataset_info(NAME)
        assert error.value.response.status_code == status
        with pytest.raises(RepositoryNotFoundError):
            commit(api_of(hub, who))


def test_a_gated_repository_shows_its_files_and_opens_none(hub, repository):
    ann = api_of(hub, "writer")
    commit(ann)
    ann.update_repo_settings(NAME, gated="manual", repo_type="dataset")

    for who, status, words in (
        ("stranger", 403, "is restricted and you are not in the authorized list."),
        (None, 401, "You must have access to it and be authenticated to access it."),
    ):
        api = api_of(hub, who)
        assert (api.dataset_info(NAME).gated, len(api.dataset_info(NAME).siblings)) == ("manual", 2)
        with pytest.raises(GatedRepoError) as error:
            api.hf_hub_download(NAME, "a.txt", repo_type="dataset")
        assert error.value.response.status_code == status
        with pytest.raises(GatedRepoError, match=words):
            api.auth_check(NAME, repo_type="dataset")
    assert ann.hf_hub_download(NAME, "a.txt", repo_type="dataset")
    hub.shelves.find("datasets", NAME).readers.append("eve")
    assert api_of(hub, "stranger").hf_hub_download(NAME, "a.txt", repo_type="dataset")


def test_settings_are_the_owners(hub, repository):
    with pytest.raises(HfHubHTTPError):
        api_of(hub, "member").update_repo_settings(NAME, private=True, repo_type="dataset")
    api_of(hub, "writer").update_repo_settings(NAME, private=True, repo_type="dataset")

    assert api_of(hub, "writer").dataset_info(NAME).private is True


def test_no_token_is_kept(hub, repository, tmp_path):
    commit(api_of(hub, "writer"))

    assert "hf_" not in repr(hub.log.asked) + repr(list(ACCOUNTS.values()))
    assert {asked.user for asked in hub.log.asked} == {"ann"}
    kept = [path.read_bytes() for path in (tmp_path / "hub").rglob("*") if path.is_file()]
    assert kept
    assert not any(b"hf_writer" in body for body in kept)


def test_a_limit_is_told_with_each_answer_and_then_kept(hub, repository):
    now = [0.0]
    hub.limits = Limits(api=2, window=300, clock=lambda: now[0])
    api = api_of(hub, "writer")
    api.dataset_info(NAME)
    now[0] = 100.0
    api.dataset_info(NAME)
    with pytest.raises(HfHubHTTPError, match="Retry after 200 seconds") as error:
        api.dataset_info(NAME)
    assert error.value.response.headers["RateLimit"] == '"api";r=0;t=200'
    api_of(hub, "stranger").dataset_info(NAME)
    now[0] = 300.0
    api.dataset_info(NAME)


def test_a_folder_is_a_model_that_can_be_read(tmp_path, monkeypatch):
    folder = tmp_path / "model"
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "config.json").write_text("{}")
    with running_hub("org/model", folder) as hub:
        point_here(monkeypatch, hub, tmp_path / "home", "hf_any")
        api = HfApi(endpoint=hub.url)
        assert api.model_info("org/model").sha == COMMIT
        (one,) = api.list_repo_tree("org/model", recursive=True, path_in_repo="in")
        assert (one.path, one.size) == ("in/config.json", 2)
        assert api.hf_hub_download("org/model", "in/config.json")
        with pytest.raises(RevisionNotFoundError, match="Invalid rev id: v9"):
            api.model_info("org/model", revision="v9")
        with pytest.raises(HfHubHTTPError):
            api.create_commit("org/model", [CommitOperationAdd("a", b"a")], commit_message="a")
        assert hub.asked[0] == "GET /api/models/org/model"


def test_a_folder_behind_a_token(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("a")
    with running_hub("org/model", tmp_path / "none", "hf_x", {"org/set": tmp_path}) as hub:
        point_here(monkeypatch, hub, tmp_path / "home")
        api = HfApi(endpoint=hub.url)
        for token, status in ((False, 401), ("hf_other", 403)):
            with pytest.raises(GatedRepoError) as error:
                api.hf_hub_download("org/set", "a.txt", repo_type="dataset", token=token)
            assert error.value.response.status_code == status
        assert api.hf_hub_download("org/set", "a.txt", repo_type="dataset", token="hf_x")


def test_one_hub_has_folders_and_takes_data_sets(tmp_path, monkeypatch):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "a.txt").write_text("a")
    hub = Hub("org/model", tmp_path / "model", state=tmp_path, accounts=[ACCOUNTS["writer"]])
    with running(hub):
        point_here(monkeypatch, hub, tmp_path / "home", "hf_writer")
        api = HfApi(endpoint=hub.url)
        api.create_repo(NAME, repo_type="dataset")
        assert [one.rfilename for one in api.model_info("org/model").siblings] == ["a.txt"]


def test_what_is_not_here_is_not_found(hub, repository):
    for path in (
        f"api/datasets/{NAME}/parquet",
        f"api/datasets/{NAME}/xet-write-token/main",
        "api/spaces/org/space",
        "settings",
    ):
        assert get_session().get(f"{hub.url}/{path}").status_code == 404
