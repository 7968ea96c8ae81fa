"""What somebody did to a repository by hand, between two releases."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import HfApi

from builder.errors import RunError
from builder.release.push.refusals import PublishError
from tests.release.push.conftest import REPO, TOKEN
from tests.release.push.test_push_versions import with_edit


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
