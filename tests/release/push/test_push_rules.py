"""What follows from values alone: versions, changes, refusals."""

import httpx2
import pytest
from huggingface_hub.errors import HfHubHTTPError

from builder.errors import OverloadedError, UnavailableError, UsageError
from builder.release.push.bump import Data, bump_of, changes
from builder.release.push.hub import Hub
from builder.release.push.identities import Moved
from builder.release.push.local import belongs_to
from builder.release.push.refusals import (
    AbsentError,
    ConflictError,
    ForbiddenError,
    PublishError,
    meaning,
    seconds_told,
    words,
)
from builder.release.push.version import (
    Bump,
    Version,
    read_version,
    title_of,
    version_of_tag,
    version_of_title,
)


def test_versions_are_numbers_and_not_texts():
    assert Version(1, 10, 0) > Version(1, 9, 9)
    assert [str(Version(1, 2, 3).next(bump)) for bump in Bump] == ["1.2.4", "1.3.0", "2.0.0"]
    assert read_version("v1.2.3") == read_version("1.2.3") == Version(1, 2, 3)
    assert [
        version_of_tag(tag) for tag in ("v1.2.3", "1.2.3", "v1.2", "v1.2.3-rc1", "v01.2.3")
    ] == [
        Version(1, 2, 3),
        *[None] * 4,
    ]


@pytest.mark.parametrize("text", ["1.2", "1.2.3.4", "1.02.3", "one", "", "1.2.3-rc"])
def test_what_is_no_version(text):
    with pytest.raises(UsageError):
        read_version(text)


def test_a_title_tells_its_version():
    title = title_of(Version(1, 2, 0), "split pro, 3 rows")
    assert title == "Release v1.2.0: split pro, 3 rows"
    assert version_of_title(title) == Version(1, 2, 0)
    assert version_of_title('Revert "Release v1.2.0: split pro, 3 rows"') is None


@pytest.mark.parametrize(
    ("path", "belongs"),
    [
        ("facts/pro.json", True),
        ("recipe/pro.yaml", True),
        ("licenses/pro/org/m/LICENSE", True),
        ("plots/pro/lengths-dark.svg", True),
        ("mt/pro-00003-of-00012.parquet", True),
        ("raw/pro-00003-of-00012.parquet", True),
        ("facts/prose.json", False),
        ("raw/prose-00003-of-00012.parquet", False),
        ("raw/pro-extra-00003-of-00012.parquet", False),
        ("raw/pro-3-of-12.parquet", False),
        ("plots/all-splits/lengths-dark.svg", False),
        ("README.md", False),
        ("pro", False),
    ],
)
def test_which_files_are_a_splits_own(path, belongs):
    assert belongs_to(path, "pro") is belongs


def facts(rows=3, columns=("uuid:string", "n:int64"), **configs):
    told = [dict(zip(("name", "type"), one.split(":"), strict=True)) for one in columns]
    files = {"raw/pro-00000-of-00001.parquet": 10}
    return {"configs": configs or {"raw": {"rows": rows, "columns": told, "files": files}}}


def difference(old, new, moved=None, sums=("a", "b")):
    """What is different, and how far that moves the version; rows are asked for where needed."""
    asked = []

    def compare(split, config):
        asked.append((split, config))
        return moved

    before, after = (
        Data(told, {"raw/pro-00000-of-00001.parquet": one})
        for told, one in zip((old, new), sums, strict=True)
    )
    found = changes(before, after, compare)
    return bump_of(found), [change.words for change in found], asked


def test_equal_data_move_nothing_and_no_row_is_read():
    old = {"pro": facts()}
    assert difference(old, old, sums=("a", "a")) == (Bump.PATCH, [], [])


@pytest.mark.parametrize(
    ("moved", "bump", "said"),
    [
        (Moved(2, 0), Bump.MINOR, "pro, raw: 2 rows more (3 -> 5)"),
        (Moved(3, 1), Bump.MAJOR, "pro, raw: 1 row gone, 3 new (3 -> 5)"),
        (Moved(0, 0), Bump.MINOR, "pro, raw: the same 5 rows with other values"),
    ],
)
def test_rows_that_came_and_went(moved, bump, said):
    old, new = {"pro": facts(3)}, {"pro": facts(5)}
    assert difference(old, new, moved) == (bump, [said], [("pro", "raw")])


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (("uuid:string",), "columns gone: n"),
        (("uuid:string", "n:int64", "m:string"), "columns new: m"),
        (("uuid:string", "n:float64"), "columns of another type: n"),
        (("n:int64", "uuid:string"), "columns in another order"),
    ],
)
def test_other_columns_are_a_major_version_and_no_row_is_read(columns, said):
    old, new = {"pro": facts()}, {"pro": facts(columns=columns)}
    assert difference(old, new) == (Bump.MAJOR, [f"pro, raw: {said}"], [])


def test_splits_and_configurations_that_come_and_go():
    raw = facts()["configs"]["raw"]
    one, more = {"pro": facts(raw=raw)}, {"pro": facts(raw=raw, mt=raw), "air": facts()}
    same = ("a", "a")
    assert difference(one, more, sums=same)[:2] == (
        Bump.MINOR,
        ["new split air", "pro: new configuration mt"],
    )
    assert difference(more, one, sums=same)[:2] == (
        Bump.MAJOR,
        ["the split air is gone", "pro: the configuration mt is gone"],
    )


HUB = "https://hub.example"


def refused(status, url=f"{HUB}/api/x", **headers):
    response = httpx2.Response(status, headers=headers, request=httpx2.Request("GET", url))
    return HfHubHTTPError(f"{status} for url: {url}", response=response)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, ForbiddenError),
        (403, ForbiddenError),
        (404, AbsentError),
        (409, ConflictError),
        (412, ConflictError),
        (422, PublishError),
        (429, OverloadedError),
        (500, UnavailableError),
        (504, UnavailableError),
    ],
)
def test_what_a_status_means(status, kind):
    assert type(meaning(refused(status), "commit", HUB)) is kind


def test_an_address_of_the_storage_that_grew_old_is_asked_for_again():
    error = RuntimeError("Error while uploading")
    error.__cause__ = refused(403, "https://s3.example/f?X-Amz-Signature=secret")
    found = meaning(error, "upload", HUB)
    assert type(found) is UnavailableError
    assert found.message == "upload: 403 for url: https://s3.example/f"


def test_what_came_without_an_answer():
    assert type(meaning(httpx2.ReadTimeout("slow"), "commit", HUB)) is UnavailableError
    assert type(meaning(ConnectionError("no Xet"), "upload", HUB)) is UnavailableError
    assert type(meaning(ValueError("Invalid metadata"), "commit", HUB)) is PublishError


def test_an_answer_that_lacks_something_is_asked_for_again():
    found = meaning(KeyError("url"), "make org/set", HUB)
    assert type(found) is UnavailableError
    assert found.message == "make org/set: 'url' (KeyError: the answer lacks something)"


@pytest.mark.parametrize("error", [httpx2.UnsupportedProtocol("no http"), httpx2.InvalidURL("bad")])
def test_an_address_that_is_none_is_not_asked_again(error):
    found = meaning(error, "whoami", "nonsense")
    assert type(found) is PublishError
    assert found.mend == "HF_ENDPOINT has to be an address: https://huggingface.co"


def test_how_long_the_hub_asks_us_to_wait():
    assert seconds_told(refused(429, RateLimit='"api";r=0;t=37')) == 37
    assert seconds_told(refused(503, **{"Retry-After": "5"})) == 5
    assert seconds_told(refused(500)) is None
    assert seconds_told(None) is None


def test_a_wait_that_is_too_long_is_told_and_not_waited_for():
    hub = Hub("hf_x", pauses=(0.0,) * 3)
    error = OverloadedError("commit: slow down")
    error.__cause__ = refused(429, RateLimit='"api";r=0;t=3000')
    with pytest.raises(PublishError, match="the Hub asks us to wait for 3000 s: commit") as caught:
        hub.wait(0.0, error)
    assert caught.value.mend.startswith("After that: Run the same command again")


def test_words_of_a_list_have_its_first_entry():
    said = "LFS batch API returned errors:\n  storage quota exceeded\n  another"
    assert words(ValueError(said)) == "LFS batch API returned errors: storage quota exceeded"


def test_words_hold_no_signature():
    assert (
        words(ValueError("\n  at 'https://a.b/c?sig=x&y=z' it\nbroke")) == "at 'https://a.b/c' it"
    )
