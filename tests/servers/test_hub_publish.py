import threading

import pytest
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationCopy,
    CommitOperationDelete,
    HfApi,
    hf_hub_download,
    snapshot_download,
)
from huggingface_hub.errors import (
    BadRequestError,
    EntryNotFoundError,
    HfHubHTTPError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import get_session

from tests.servers.hub import Account, writable_hub
from tests.servers.hub.client import point_here

TOKEN = "hf_writer"
NAME = "org/set"
PARQUET = "raw/air-00000-of-00001.parquet"
CARD = "---\nlicense: mit\ntags: [synthetic]\n---\n# A card\n"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with writable_hub(tmp_path / "hub", Account(TOKEN, "ann", orgs={"org": "write"})) as server:
        point_here(monkeypatch, server, tmp_path / "home", TOKEN)
        yield server


@pytest.fixture
def api(hub):
    made = HfApi(endpoint=hub.url, token=TOKEN)
    made.create_repo(NAME, repo_type="dataset")
    return made


def add(path, body):
    return CommitOperationAdd(path, body)


def commit(api, *operations, title="a commit", **more):
    return api.create_commit(
        NAME, operations, commit_message=title, repo_type="dataset", **more
    ).oid


def head(api, revision=None):
    return api.dataset_info(NAME, revision=revision).sha


def files(api, revision=None):
    found = api.list_repo_tree(NAME, recursive=True, revision=revision, repo_type="dataset")
    return {one.path: one for one in found if hasattr(one, "blob_id")}


def read(api, path, revision=None):
    got = api.hf_hub_download(NAME, path, repo_type="dataset", revision=revision)
    with open(got, "rb") as file:  # noqa: PTH123
        return file.read()


def test_a_new_repository_begins_with_a_commit_of_the_system(hub, api):
    (first,) = api.list_repo_commits(NAME, repo_type="dataset")

    assert (first.title, first.authors) == ("initial commit", ["system"])
    assert list(files(api)) == [".gitattributes"]
    info = api.dataset_info(NAME)
    assert (info.sha, info.private, info.gated, info.author) == (
        first.commit_id,
        False,
        False,
        "org",
    )


def test_a_repository_that_exists_is_a_conflict_that_tells_its_url(hub, api):
    with pytest.raises(HfHubHTTPError, match="You already created this dataset repo") as error:
        api.create_repo(NAME, repo_type="dataset")
    assert error.value.response.status_code == 409
    again = api.create_repo(NAME, repo_type="dataset", exist_ok=True)
    assert (again.repo_id, again.repo_type, str(again)) == (
        NAME,
        "dataset",
        f"{hub.url}/datasets/org/set",
    )


def test_a_commit_holds_small_and_large_files(hub, api):
    body = b"PAR1" + bytes(5000)
    mark = hub.log.mark()
    made = commit(api, add("README.md", CARD.encode()), add(PARQUET, body))

    assert [asked.route for asked in hub.log.since(mark)] == [
        "validate-yaml", "preupload", "lfs-batch", "lfs-put", "lfs-verify", "commit",
    ]  # fmt: skip
    found = files(api)
    assert head(api) == made
    assert (found["README.md"].lfs, found["README.md"].size) == (None, len(CARD))
    assert (found[PARQUET].lfs.size, found[PARQUET].lfs.pointer_size) == (5004, 129)
    assert (read(api, PARQUET), read(api, "README.md")) == (body, CARD.encode())
    raw = get_session().get(f"{hub.url}/datasets/{NAME}/raw/main/{PARQUET}").text
    assert raw.splitlines()[1] == f"oid sha256:{found[PARQUET].lfs.sha256}"


def test_bytes_in_and_out_are_counted(hub, api):
    commit(api, add(PARQUET, bytes(5000)))
    read(api, PARQUET)

    (put,) = [asked for asked in hub.log.asked if asked.route == "lfs-put"]
    (got,) = [asked for asked in hub.log.asked if asked.route == "lfs-get"]
    assert (put.received, put.status, got.sent, got.status) == (5000, 200, 5000, 200)


def test_what_is_there_already_is_not_sent_again(hub, api):
    first = commit(api, add(PARQUET, bytes(5000)), add("a.txt", b"a"))
    mark = hub.log.mark()
    assert commit(api, add(PARQUET, bytes(5000)), add("a.txt", b"a")) == first
    moved = commit(api, add("raw/pro.parquet", bytes(5000)))

    routes = [asked.route for asked in hub.log.since(mark)]
    assert "lfs-put" not in routes
    assert routes.count("commit") == 1
    assert files(api, moved)["raw/pro.parquet"].blob_id == files(api, first)[PARQUET].blob_id


def test_a_commit_on_an_older_parent_is_refused(api):
    first = head(api)
    second = commit(api, add("a.txt", b"a"), parent_commit=first)
    with pytest.raises(HfHubHTTPError, match=r"A commit has happened since\. Please refresh") as no:
        commit(api, add("b.txt", b"b"), parent_commit=first)

    assert no.value.response.status_code == 412
    assert head(api) == second
    assert sorted(files(api)) == [".gitattributes", "a.txt"]
    commit(api, add("b.txt", b"b"), parent_commit=second[:7])


def test_files_are_deleted_and_copied(api):
    first = commit(api, add("a/1.txt", b"1"), add("a/2.txt", b"2"), add(PARQUET, bytes(300)))
    commit(
        api,
        CommitOperationDelete("a/1.txt"),
        CommitOperationCopy(PARQUET, "filtered/air.parquet"),
        CommitOperationCopy("a/2.txt", "b/2.txt"),
    )
    commit(api, CommitOperationDelete("a/"), CommitOperationDelete(PARQUET))

    found = files(api)
    assert sorted(found) == [".gitattributes", "b/2.txt", "filtered/air.parquet"]
    assert found["filtered/air.parquet"].blob_id == files(api, first)[PARQUET].blob_id
    assert read(api, "a/1.txt", first) == b"1"
    with pytest.raises(EntryNotFoundError, match="A file with this name doesn't exist"):
        commit(api, CommitOperationDelete("a/2.txt"))


def test_a_large_file_that_was_never_sent_is_refused_by_name(hub, api):
    lines = (
        '{"key": "header", "value": {"summary": "a"}}\n'
        '{"key": "lfsFile", "value": {"path": "a.parquet", "algo": "sha256", "oid": "00"}}\n'
    )
    before = head(api)
    answer = get_session().post(
        f"{hub.url}/api/datasets/{NAME}/commit/main",
        content=lines.encode(),
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    assert answer.status_code == 400
    assert "LFS pointer pointed to a file that does not exist" in answer.json()["error"]
    assert answer.json()["error"].endswith("Offending file: - a.parquet")
    assert head(api) == before


def test_an_upload_that_is_not_what_was_announced_is_not_kept(hub, api):
    told = {"operation": "upload", "objects": [{"oid": "00" * 32, "size": 3}]}
    address = f"{hub.url}/datasets/{NAME}.git/info/lfs/objects/batch"
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    answer = get_session().post(address, json=told, headers=bearer).json()
    (actions,) = [one["actions"] for one in answer["objects"]]
    put = get_session().put(actions["upload"]["href"], content=b"abc")
    check = get_session().post(actions["verify"]["href"], json=told["objects"][0], headers=bearer)

    assert (put.status_code, check.status_code) == (400, 404)
    carried = get_session().put(actions["upload"]["href"], content=b"abc", headers=bearer)
    forged = get_session().put(actions["upload"]["href"] + "0", content=b"abc")
    assert (carried.status_code, forged.status_code) == (400, 403)


def test_a_file_in_parts(hub, api):
    hub.chunk_size = 1000
    body = bytes(range(256)) * 10
    commit(api, add(PARQUET, body))

    routes = [asked.route for asked in hub.log.asked]
    assert (routes.count("lfs-part"), routes.count("complete")) == (3, 1)
    assert read(api, PARQUET) == body


def test_a_card_that_the_hub_does_not_take(hub, api):
    bad = "---\nlicense: llama-3\nconfigs:\n- config_name: data\n---\n"
    mark = hub.log.mark()
    with pytest.raises(ValueError, match='"license" must be one of') as error:
        commit(api, add("README.md", bad.encode()))
    assert '"configs[0].config_name" contains an invalid value' in str(error.value)
    assert [asked.route for asked in hub.log.since(mark)] == ["validate-yaml"]
    with pytest.warns(UserWarning, match="empty or missing yaml metadata in repo card"):
        commit(api, add("README.md", b"# No YAML\n"))


def test_a_card_is_looked_at_again_when_it_is_committed(hub, api, monkeypatch):
    monkeypatch.setattr(HfApi, "_validate_yaml", lambda *args, **more: None)

    with pytest.raises(BadRequestError, match="must be of type object"):
        commit(api, add("README.md", b"---\n- a\n---\n"))


def test_ignored_files_stay_away(api):
    commit(api, add(".gitignore", b"*.log\n"), add("a.log", b"a"), add("a.txt", b"a"))
    commit(api, add("b.log", b"b"), add("b.txt", b"b"))

    assert sorted(files(api)) == [".gitattributes", ".gitignore", "a.txt", "b.txt"]


def test_tags_and_branches(api):
    first = commit(api, add("a.txt", b"1"))
    api.create_tag(NAME, tag="v1.0.0", revision=first, repo_type="dataset")
    api.create_branch(NAME, branch="next", repo_type="dataset")
    second = commit(api, add("a.txt", b"2"), revision="next")

    refs = api.list_repo_refs(NAME, repo_type="dataset")
    assert {one.name: one.target_commit for one in refs.branches} == {
        "main": first,
        "next": second,
    }
    assert [(one.ref, one.target_commit) for one in refs.tags] == [("refs/tags/v1.0.0", first)]
    assert (read(api, "a.txt", "v1.0.0"), read(api, "a.txt", "next")) == (b"1", b"2")
    assert head(api, second[:7]) == second


def test_a_tag_is_never_moved(api):
    first = head(api)
    api.create_tag(NAME, tag="v1.0.0", repo_type="dataset")
    commit(api, add("a.txt", b"a"))
    with pytest.raises(HfHubHTTPError, match="Tag reference exists already") as error:
        api.create_tag(NAME, tag="v1.0.0", repo_type="dataset")
    assert error.value.response.status_code == 409
    api.create_tag(NAME, tag="v1.0.0", repo_type="dataset", exist_ok=True)
    assert head(api, "v1.0.0") == first
    with pytest.raises(HfHubHTTPError, match="Reference already exists"):
        api.create_branch(NAME, branch="main", repo_type="dataset")

    api.delete_tag(NAME, tag="v1.0.0", repo_type="dataset")
    with pytest.raises(RevisionNotFoundError):
        head(api, "v1.0.0")
    with pytest.raises(RevisionNotFoundError):
        api.delete_tag(NAME, tag="v1.0.0", repo_type="dataset")


def test_a_tag_and_an_unknown_branch_take_no_commits(api):
    api.create_tag(NAME, tag="v1.0.0", repo_type="dataset")

    for revision in ("v1.0.0", "nowhere"):
        with pytest.raises(RevisionNotFoundError):
            commit(api, add("a.txt", b"a"), revision=revision)


def test_listings_come_in_pages(hub, api):
    commit(api, *(add(f"a/{number:02}.txt", b"a") for number in range(7)))
    hub.page_size = 3
    mark = hub.log.mark()
    found = list(api.list_repo_tree(NAME, recursive=True, repo_type="dataset"))

    assert [one.path for one in found] == [
        ".gitattributes",
        "a",
        *(f"a/{number:02}.txt" for number in range(7)),
    ]
    assert [asked.route for asked in hub.log.since(mark)] == ["tree"] * 3
    for number in range(5):
        commit(api, add("b.txt", str(number).encode()), title=f"b {number}")
    titles = [one.title for one in api.list_repo_commits(NAME, repo_type="dataset")]
    assert titles == ["b 4", "b 3", "b 2", "b 1", "b 0", "a commit", "initial commit"]


def test_a_listing_can_tell_who_brought_a_file(api):
    first = commit(api, add("a/1.txt", b"1"), title="one")
    commit(api, add("a/2.txt", b"2"), title="two")
    info = api.get_paths_info(
        NAME, ["a/1.txt", "a/2.txt", "gone"], expand=True, repo_type="dataset"
    )

    assert [(one.path, one.last_commit.title) for one in info] == [
        ("a/1.txt", "one"),
        ("a/2.txt", "two"),
    ]
    assert info[0].last_commit.oid == first
    (folder,) = api.get_paths_info(NAME, "a", repo_type="dataset")
    listed = api.list_repo_tree(NAME, "a", repo_type="dataset")
    assert (folder.path, [one.path for one in listed]) == ("a", ["a/1.txt", "a/2.txt"])
    with pytest.raises(EntryNotFoundError):
        list(api.list_repo_tree(NAME, "b", repo_type="dataset"))


def test_what_a_repository_is(api):
    commit(api, add("README.md", CARD.encode()), add(PARQUET, bytes(300)))
    info = api.dataset_info(NAME, files_metadata=True)

    assert (info.card_data.license, info.tags) == (
        "mit",
        ["license:mit", "synthetic", "region:us"],
    )
    sizes = {one.rfilename: (one.size, one.lfs.size if one.lfs else None) for one in info.siblings}
    assert sizes["README.md"] == (len(CARD), None)
    assert sizes[PARQUET] == (300, 300)
    assert {one.size for one in api.dataset_info(NAME).siblings} == {None}
    assert api.dataset_info(NAME, expand=["sha"]).siblings is None


def test_a_download_is_what_was_sent(api, tmp_path):
    commit(api, add("README.md", CARD.encode()), add(PARQUET, bytes(range(256)) * 30))
    api.create_tag(NAME, tag="v1.0.0", repo_type="dataset")
    folder = snapshot_download(
        NAME, repo_type="dataset", revision="v1.0.0", local_dir=tmp_path / "copy"
    )
    checked = api.verify_repo_checksums(
        NAME, repo_type="dataset", revision="v1.0.0", local_dir=folder
    )

    assert (checked.checked_count, checked.mismatches) == (3, [])
    (tmp_path / "copy" / PARQUET).write_bytes(bytes(range(256)) * 29 + bytes(256))
    checked = api.verify_repo_checksums(
        NAME, repo_type="dataset", revision="v1.0.0", local_dir=folder
    )
    assert [one["path"] for one in checked.mismatches] == [PARQUET]
    with pytest.raises(EntryNotFoundError):
        hf_hub_download(NAME, "gone.txt", repo_type="dataset")


def test_two_publishers_at_once_do_not_mix(api):
    start, done = head(api), []

    def publish(name):
        try:
            done.append(commit(api, add("who.txt", name.encode()), parent_commit=start))
        except HfHubHTTPError as error:
            done.append(error.response.status_code)

    threads = [threading.Thread(target=publish, args=(str(number),)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    made = [one for one in done if one != 412]
    assert made == [head(api)]
    assert len(done) == 6
    assert len(api.list_repo_commits(NAME, repo_type="dataset")) == 2


def test_a_server_that_is_started_again_goes_on(tmp_path, monkeypatch):
    ann = Account(TOKEN, "ann", orgs={"org": "write"})
    with writable_hub(tmp_path / "hub", ann) as hub:
        point_here(monkeypatch, hub, tmp_path / "home", TOKEN)
        api = HfApi(endpoint=hub.url, token=TOKEN)
        api.create_repo(NAME, repo_type="dataset", private=True)
        first = commit(api, add(PARQUET, bytes(300)))
        api.create_tag(NAME, tag="v1.0.0", repo_type="dataset")
    with writable_hub(tmp_path / "hub", ann, port=hub.port):
        info = api.dataset_info(NAME, revision="v1.0.0")
        assert (info.sha, info.private) == (first, True)
        assert read(api, PARQUET, "v1.0.0") == bytes(300)
        second = commit(api, add("a.txt", b"a"), parent_commit=first)
        assert [one.commit_id for one in api.list_repo_commits(NAME, repo_type="dataset")][:2] == [
            second,
            first,
        ]


def test_a_whole_folder(api, tmp_path):
    for name in ("a.txt", "in/b.parquet", "in/c.txt"):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(name.encode())
    api.upload_folder(repo_id=NAME, folder_path=tmp_path / "set", repo_type="dataset")

    assert sorted(files(api)) == [".gitattributes", "a.txt", "in/b.parquet", "in/c.txt"]
    assert read(api, "in/b.parquet") == b"in/b.parquet"
