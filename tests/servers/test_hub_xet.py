import hashlib
import random

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd, HfApi, HfFileSystem
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import get_session

from tests.servers.hub import Account, Fault, writable_hub
from tests.servers.hub.client import point_here
from tests.servers.hub.refusals import Refusal
from tests.servers.hub.xet import hashes
from tests.servers.hub.xet.blake3 import keyed
from tests.servers.hub.xet.shard import File, Listed, Shard, Term, read_shard
from tests.servers.hub.xet.store import Store

TOKEN, NAME = "hf_writer", "ann/set"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
DATA = random.Random(1).randbytes(700_000) + b"again and again " * 20_000
"""What does not pack, and what does."""


@pytest.fixture(params=[1, 2])
def hub(request, tmp_path, monkeypatch):
    with writable_hub(tmp_path / "hub", Account(TOKEN, "ann"), xet=request.param) as server:
        point_here(monkeypatch, server, tmp_path / "home", TOKEN)
        HfApi(endpoint=server.url, token=TOKEN).create_repo(NAME, repo_type="dataset")
        yield server


@pytest.fixture
def api(hub):
    return HfApi(endpoint=hub.url, token=TOKEN)


def upload(api, data=DATA, path="a.bin"):
    return api.upload_file(
        path_or_fileobj=data, path_in_repo=path, repo_id=NAME, repo_type="dataset"
    ).oid


def routes(hub, mark=0):
    return [asked.route for asked in hub.log.since(mark)]


def storage_token(hub, kind="write"):
    asked = f"{hub.url}/api/datasets/{NAME}/xet-{kind}-token/main"
    answer = get_session().get(asked, headers=BEARER)
    assert answer.json()["accessToken"] == answer.headers["X-Xet-Access-Token"]
    return {"Authorization": f"Bearer {answer.json()['accessToken']}"}


def test_blake3_is_blake3():
    """Against the test vectors of its authors (BLAKE3-team/BLAKE3, test_vectors.json)."""
    key = b"whats the Elvish word for friend"
    counted = bytes(range(251)) * 13
    found = keyed(key, [b"", counted[:1], counted[:1024], counted[:1025], counted[:3072]])
    assert [digest.hex()[:16] for digest in found] == [
        "92b2b75604ed3c76",
        "6d7878dfff2f4856",
        "75c46f6f3d9eb4f5",
        "357dc55de0c7e382",
        "044a0e7b172a312d",
    ]


def test_a_hash_in_an_address():
    """The example of the specification."""
    name = "07060504030201000f0e0d0c0b0a0908171615141312111f1e1d1c1b1a1918"
    assert hashes.hexadecimal(bytes(range(32))) == name[:46] + "10" + name[46:]
    assert hashes.binary(hashes.hexadecimal(bytes(range(32)))) == bytes(range(32))


def test_what_is_uploaded_comes_back(hub, api, tmp_path):
    upload(api)
    assert "lfs-batch" not in routes(hub)
    mark = hub.log.mark()
    found = api.hf_hub_download(NAME, "a.bin", repo_type="dataset", cache_dir=tmp_path)
    with open(found, "rb") as file:  # noqa: PTH123
        assert file.read() == DATA
    assert "xet-range" in routes(hub, mark)
    assert "lfs-get" not in routes(hub, mark)


def test_a_change_in_the_middle_sends_what_is_around_it_alone(hub, api, tmp_path):
    upload(api)
    mark, changed = hub.log.mark(), DATA[:300_000] + b"more" + DATA[300_000:]
    upload(api, changed)
    packed = [one for one in hub.log.since(mark) if one.route in ("xet-xorb", "xet-put")]
    assert 0 < sum(one.received for one in packed) < 300_000
    found = api.hf_hub_download(NAME, "a.bin", repo_type="dataset", cache_dir=tmp_path)
    with open(found, "rb") as file:  # noqa: PTH123
        assert file.read() == changed


def test_what_a_file_is_told_to_be(hub, api):
    commit = upload(api)
    (entry,) = api.get_paths_info(NAME, ["a.bin"], repo_type="dataset")
    assert entry.lfs.sha256 == hashlib.sha256(DATA).hexdigest()
    asked = f"{hub.url}/datasets/{NAME}/resolve/main/a.bin"
    answer = get_session().head(asked, headers=BEARER, follow_redirects=False)
    assert answer.headers["X-Xet-Hash"] == entry.xet_hash
    token = answer.links["xet-auth"]["url"]
    assert token == f"{hub.url}/api/datasets/{NAME}/xet-read-token/{commit}"
    terms = answer.links["xet-reconstruction-info"]["url"]
    assert terms == f"{hub.cas.url}/v1/reconstructions/{entry.xet_hash}"


def test_plain_requests_give_the_bytes(hub, api):
    upload(api)
    asked = f"{hub.url}/datasets/{NAME}/resolve/main/a.bin"
    part = {"Range": "bytes=699990-700009"}
    assert httpx2.get(asked, headers=BEARER, follow_redirects=True).content == DATA
    answer = httpx2.get(asked, headers={**BEARER, **part}, follow_redirects=True)
    assert (answer.status_code, answer.content) == (206, DATA[699_990:700_010])
    files = HfFileSystem(endpoint=hub.url, token=TOKEN, skip_instance_cache=True)
    assert files.cat_file(f"datasets/{NAME}/a.bin", start=5, end=25) == DATA[5:25]


def test_a_range_of_a_file_is_its_chunks(hub, api):
    upload(api)
    file = hub.xet.store.file(hashes.binary(_name(api)))
    headers = {**storage_token(hub, "read"), "Range": "bytes=650000-710000"}
    asked = f"{hub.cas.url}/v1/reconstructions/{hashes.hexadecimal(file.digest)}"
    told = get_session().get(asked, headers=headers).json()
    whole = sum(term["unpacked_length"] for term in told["terms"])
    assert 60_001 <= whole < len(DATA)
    assert 0 <= told["offset_into_first_range"] < 128 << 10
    (places,) = told["fetch_info"].values()
    assert [one["range"] for one in places] == [one["range"] for one in told["terms"]]
    beyond = get_session().get(asked, headers={**headers, "Range": "bytes=2000000-"})
    assert beyond.status_code == 416


def test_an_address_opens_its_range_alone(hub, api):
    upload(api)
    asked = f"{hub.cas.url}/v1/reconstructions/{_name(api)}"
    told = get_session().get(asked, headers=storage_token(hub, "read")).json()
    ((place, *_),) = told["fetch_info"].values()
    first, last = place["url_range"]["start"], place["url_range"]["end"]
    for given, status in ((f"bytes={first}-{last}", 206), (f"bytes={first}-{last + 1}", 403)):
        assert get_session().get(place["url"], headers={"Range": given}).status_code == status
    assert get_session().get(place["url"]).status_code == 403


def test_who_may_do_what(hub, api):
    upload(api)
    shard, chunk = f"{hub.cas.url}/v1/shards", f"{hub.cas.url}/v1/chunks/default/{'0' * 64}"
    read, write = storage_token(hub, "read"), storage_token(hub)
    ask = get_session()
    assert ask.post(shard, content=b"", headers=BEARER).status_code == 401
    assert ask.post(shard, content=b"", headers=read).status_code == 403
    assert ask.post(shard, content=b"", headers=write).status_code == 400
    assert ask.get(chunk, headers=read).status_code == 404
    hub.xet.tokens.expire()
    assert ask.get(chunk, headers=read).status_code == 401
    asked = f"{hub.url}/api/datasets/{NAME}/xet-write-token/main"
    assert ask.get(asked).status_code == 401
    assert ask.get(asked.replace("main", "none"), headers=BEARER).status_code == 404


def test_a_commit_of_what_never_came_is_refused(hub, api):
    hub.faults.strike(Fault("error", 400), route="xet-shard", times=9)
    hub.faults.strike(Fault("error", 400), route="xet-shard-2", times=9)
    addition = CommitOperationAdd("a.bin", DATA)
    with pytest.raises(ConnectionError):
        api.preupload_lfs_files(NAME, [addition], repo_type="dataset")
    addition._upload_mode, addition._is_uploaded = "lfs", True
    with pytest.raises(HfHubHTTPError, match="pointed to a file that does not exist"):
        api.create_commit(NAME, [addition], commit_message="a", repo_type="dataset")


def test_a_server_that_starts_again_goes_on(hub, api, tmp_path, monkeypatch):
    upload(api)
    name, generation = _name(api), hub.xet.generation
    with writable_hub(tmp_path / "hub", Account(TOKEN, "ann"), xet=generation) as again:
        point_here(monkeypatch, again, tmp_path / "other", TOKEN)
        assert _name(HfApi(endpoint=again.url, token=TOKEN)) == name
        mark = again.log.mark()
        upload(HfApi(endpoint=again.url, token=TOKEN), DATA, "b.bin")
        assert not {"xet-xorb", "xet-put"} & set(routes(again, mark))


def test_without_xet_there_is_none(tmp_path):
    with writable_hub(tmp_path / "hub", Account(TOKEN, "ann")) as hub:
        HfApi(endpoint=hub.url, token=TOKEN).create_repo(NAME, repo_type="dataset")
        asked = f"{hub.url}/api/datasets/{NAME}/xet-write-token/main"
        assert get_session().get(asked, headers=BEARER).status_code == 404


@pytest.fixture
def held(tmp_path):
    """A store with one xorb of two chunks, and the shard that makes a file of them."""
    pieces = [b"a" * 9000, b"b" * 8500]
    body = b"".join(_packed(piece) for piece in pieces)
    digests = hashes.of_chunks(pieces)
    chunks = [(digest, len(piece)) for digest, piece in zip(digests, pieces, strict=True)]
    store, xorb = Store(tmp_path), hashes.of_xorb(chunks)
    assert store.put(xorb, body) is True
    assert store.put(xorb, body) is False
    sha256 = hashes.binary(hashlib.sha256(b"".join(pieces)).hexdigest())
    term = Term(xorb, 0, 2, 17_500, hashes.of_term(digests))
    listed = Listed(xorb, tuple((*chunk, 0) for chunk in chunks))
    return store, File(hashes.of_file(chunks), (term,), sha256), listed


def test_a_shard_that_is_right_is_registered(held):
    store, file, listed = held
    store.register(Shard((file,), (listed,)))
    found = Store(store.folder)
    assert b"".join(found.pieces(found.file(file.digest))) == b"a" * 9000 + b"b" * 8500


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"xorb": bytes(32)}, "was not uploaded"),
        ({"end": 3}, "does not lie in its xorb"),
        ({"size": 17_501}, "does not lie in its xorb"),
        ({"proof": bytes(32)}, "not verified"),
    ],
)
def test_a_term_that_is_wrong_is_refused(held, wrong, says):
    store, file, listed = held
    (term,) = file.terms
    term = Term(**{**vars(term), **wrong})
    with pytest.raises(Refusal, match=says):
        store.register(Shard((File(file.digest, (term,), file.sha256),), (listed,)))
    assert store.file(file.digest) is None


def test_a_file_or_a_xorb_that_is_wrong_is_refused(held):
    store, file, listed = held
    for one, says in (
        (File(bytes(32), file.terms, file.sha256), "does not match its terms"),
        (File(file.digest, file.terms, bytes(32)), "does not match its content"),
        (File(file.digest, file.terms, None), "is not told"),
    ):
        with pytest.raises(Refusal, match=says):
            store.register(Shard((one,), ()))
    with pytest.raises(Refusal, match="other chunks"):
        store.register(Shard((), (Listed(listed.digest, listed.chunks[:1]),)))
    with pytest.raises(Refusal, match="does not match its body"):
        store.put(bytes(32), _packed(b"c" * 9000))
    for body in (b"", _packed(b"c" * 9000)[:-1], b"\0\3\0\0\1\5\0\0abc"):
        with pytest.raises(Refusal):
            store.put(bytes(32), body)
    with pytest.raises(Refusal, match="no shard"):
        read_shard(bytes(300))


def _packed(piece):
    """A chunk as it stands in a xorb, not packed."""
    length = len(piece).to_bytes(3, "little")
    return b"\0" + length + b"\0" + length + piece


def _name(api):
    (entry,) = api.get_paths_info(NAME, ["a.bin"], repo_type="dataset")
    return entry.xet_hash
