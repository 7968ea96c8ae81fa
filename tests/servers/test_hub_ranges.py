import pytest
from huggingface_hub.utils import get_session

from tests.servers.hub import COMMIT, running_hub


@pytest.fixture
def url(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a b.txt").write_bytes(b"0123456789")
    with running_hub("org/model", tmp_path) as hub:
        yield f"{hub.url}/org/model/resolve/main/in"


@pytest.mark.parametrize(
    ("asked", "status", "body", "told"),
    [
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=1-2,4-5", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
    ],
)
def test_a_range(url, asked, status, body, told):
    answer = get_session().get(f"{url}/a%20b.txt", headers={"Range": asked})

    assert (answer.status_code, answer.content) == (status, body)
    assert answer.headers.get("Content-Range") == told


@pytest.mark.parametrize("path", ["a b.txt", "a%20b.txt"])
def test_a_head_tells_the_length_and_sends_nothing(url, path):
    answer = get_session().head(f"{url}/{path}")

    assert (answer.headers["Content-Length"], answer.content) == ("10", b"")
    assert answer.headers["X-Repo-Commit"] == COMMIT
    assert answer.headers["ETag"] == '"ad471007bd7f5983d273b9584e5629230150fd54"'


def test_a_file_that_is_not_there(url):
    answer = get_session().get(f"{url}/b.txt")

    assert (answer.status_code, answer.headers["X-Error-Code"]) == (404, "EntryNotFound")
    assert answer.headers["X-Repo-Commit"] == COMMIT


def test_a_path_quoted_into_one_part_is_the_same(url):
    answer = get_session().get(url.replace("/in", "/in%2Fa%20b.txt"))

    assert answer.content == b"0123456789"
