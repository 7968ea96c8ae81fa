"""What somebody did to a repository by hand, between two releases."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

from builder.errors import RunError
from builder.release.push.refusals import PublishError
from tests.release.push.conftest import REPO, TOKEN
from tests.release.push.test_push_versions import with_edit
from tests.servers.hub import Fault


def with_other_rows(seen, path):
    """A Parquet file with one answer changed: as many rows, the same columns."""
    table = pq.read_table(io.BytesIO(seen().read(path)))
    answers = pa.array(["another", *table["response"].to_pylist()[1:]])
    body = io.BytesIO()
    pq.write_table(
        table.set_column(table.column_names.index("response"), "response", answers), body
    )
    return body.getvalue()


def test_rows_of_another_split_that_somebody_changed_are_not_vouched_for(
    publisher, made, seen, hub
):
    publisher(made("pro", 3))
    path = "filtered/pro-00000-of-00001.parquet"
    with_edit(hub, path, with_other_rows(seen, path))
    head = seen().head
    with pytest.raises(PublishError) as caught:
        publisher(made("air", 2))
    assert caught.value.message == (
        f"{REPO} is not as it was published: {path} has other bytes, and facts/pro.json does not "
        "know of it"
    )
    assert (seen().head, list(seen().tags)) == (head, ["v1.0.0"])
    assert publisher(made("pro", 3)).plan.version.tag == "v1.0.1"
    assert publisher(made("air", 2)).plan.version.tag == "v1.1.0"
    assert seen().holds(made("pro", 3), "main")


def test_files_of_another_split_that_somebody_deleted(publisher, made, seen, hub):
    publisher(made("pro", 3))
    HfApi(endpoint=hub.url, token=TOKEN).delete_file(
        "raw/pro-00000-of-00001.parquet", REPO, repo_type="dataset"
    )
    with pytest.raises(PublishError, match=r"raw/pro-00000-of-00001\.parquet is gone") as caught:
        publisher(made("air", 2))
    assert caught.value.mend.startswith("Publish the split pro anew")
    publisher(made("pro", 3))
    assert publisher(made("air", 2)).plan.version.tag == "v1.1.0"


@pytest.mark.parametrize("body", [b'{"format": 1}', b"[]", b"no json", b'{"format": 1, "split"'])
def test_facts_of_another_split_that_somebody_edited(publisher, made, seen, hub, body):
    publisher(made("pro", 3))
    with_edit(hub, "facts/pro.json", body)
    with pytest.raises(RunError, match=r"facts/pro\.json of org/tiny-set"):
        publisher(made("air", 2))
    publisher(made("pro", 3))
    assert publisher(made("air", 2)).plan.version.tag == "v1.1.0"


def by_hand(hub, title, *operations):
    api = HfApi(endpoint=hub.url, token=TOKEN)
    return api.create_commit(REPO, operations, commit_message=title, repo_type="dataset").oid


def test_a_title_alone_makes_no_version(publisher, made, seen, hub):
    publisher(made("pro", 3))
    by_hand(hub, "Release v1.5.0: typo", CommitOperationAdd("README.md", b"mended by hand\n"))
    done = publisher(made("pro", 4))
    assert done.plan.version.tag == "v1.1.0"
    assert sorted(seen().tags) == ["v1.0.0", "v1.1.0"]
    assert any("'Release v1.5.0: typo' and is no whole release" in said for said in publisher.said)
    assert "README.md was edited since v1.0.0; it is rendered anew" in publisher.said


@pytest.fixture
def landed(publisher, made, seen, hub):
    """A whole release of pro, v1.1.0, that was committed and has no tag: its commit and title."""
    publisher(made("air", 2))
    hub.faults.strike(Fault("error"), route="create-tag", times=100)
    with pytest.raises(PublishError):
        publisher(made("pro", 3))
    hub.faults.clear()
    return seen().head, seen().titles[0]


@pytest.mark.parametrize(
    "path",
    [
        "filtered/pro-00000-of-00001.parquet",
        "filtered/air-00000-of-00001.parquet",
        "recipe/pro.yaml",
        "facts/pro.json",
        "CHANGELOG.md",
        "README.md",
    ],
)
def test_a_commit_that_lacks_a_file_of_its_release_gets_no_tag(
    publisher, made, seen, hub, landed, path
):
    """As a Hub leaves it that drops a file: title, changelog and all the rest are right."""
    whole, title = landed
    bad = by_hand(hub, title, CommitOperationDelete(path))
    publisher(made("air" if "air" in path else "pro", 2 if "air" in path else 3))
    assert bad not in seen().tags.values()
    assert seen().tags["v1.1.0"] == whole
    assert any(said.startswith(f"{bad[:7]} is called 'Release v1.1.0") for said in publisher.said)
    assert seen().holds(made("pro", 3), "main")
    assert seen().holds(made("air", 2), "main")


@pytest.mark.parametrize("path", ["recipe/air.yaml", "filtered/pro-00000-of-00001.parquet"])
def test_a_commit_with_an_altered_file_gets_no_tag(publisher, made, seen, hub, landed, path):
    whole, title = landed
    bad = by_hand(hub, title, CommitOperationAdd(path, b"name: other\n"))
    publisher(made("pro", 3))
    assert bad not in seen().tags.values()
    assert seen().tags["v1.1.0"] == whole


def test_a_split_whose_facts_are_gone_is_not_left_lying_there(publisher, made, seen, hub):
    publisher(made("pro", 3))
    by_hand(hub, "away", CommitOperationDelete("facts/pro.json"))
    publisher(made("pro", 3))
    assert seen().holds(made("pro", 3), "main")
    publisher(made("air", 2))
    by_hand(hub, "away", CommitOperationDelete("facts/pro.json"))
    with pytest.raises(PublishError, match=r"and no facts/pro\.json") as caught:
        publisher(made("air", 4))
    assert caught.value.mend == "Publish the split pro anew, or delete its files on the Hub."
