import threading

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import get_session, parse_ratelimit_headers

from tests.servers.hub import KINDS, Account, Fault, writable_hub
from tests.servers.hub.client import point_here

TOKEN = "hf_writer"
NAME = "ann/set"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
LINES = (
    b'{"key": "header", "value": {"summary": "a"}}\n'
    b'{"key": "file", "value": {"path": "a.txt", "content": "a"}}\n'
)
LANDS = {
    "error": False,
    "limited": False,
    "reset_before": False,
    "reset_request": False,
    "reset_unheard": False,
    "reset_answer": True,
    "lost": True,
    "error_late": True,
    "stall": True,
}


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with writable_hub(tmp_path / "hub", Account(TOKEN, "ann")) as server:
        point_here(monkeypatch, server, tmp_path / "home", TOKEN)
        HfApi(endpoint=server.url, token=TOKEN).create_repo(NAME, repo_type="dataset")
        yield server


@pytest.fixture
def api(hub):
    return HfApi(endpoint=hub.url, token=TOKEN)


def commit(hub):
    return get_session().post(
        f"{hub.url}/api/datasets/{NAME}/commit/main", content=LINES, headers=BEARER
    )


def paths(api):
    return [one.path for one in api.list_repo_tree(NAME, repo_type="dataset")]


@pytest.mark.parametrize("kind", KINDS)
def test_whether_a_commit_that_is_struck_lands(hub, api, kind):
    hub.faults.strike(Fault(kind, seconds=0), route="commit")
    if kind.startswith("reset_") or kind == "lost":
        with pytest.raises((httpx2.NetworkError, httpx2.RemoteProtocolError)):
            commit(hub)
    else:
        expected = {"error": 500, "limited": 429, "error_late": 500, "stall": 200}
        assert commit(hub).status_code == expected[kind]

    assert paths(api) == [".gitattributes", *(["a.txt"] if LANDS[kind] else [])]
    (asked,) = [one for one in hub.log.asked if one.route == "commit"]
    assert asked.fault == kind
    assert commit(hub).status_code == 200


def test_a_reset_within_the_request_leaves_half_of_it_unread(hub):
    hub.faults.strike(Fault("reset_request"), route="commit")
    with pytest.raises((httpx2.NetworkError, httpx2.RemoteProtocolError)):
        commit(hub)

    (asked,) = [one for one in hub.log.asked if one.route == "commit"]
    assert (asked.received, asked.status) == (len(LINES) // 2, None)


def test_a_reset_is_a_reset(hub):
    hub.faults.strike(Fault("reset_before"))
    with pytest.raises(httpx2.NetworkError, match="reset by peer"):
        get_session().get(f"{hub.url}/api/datasets/{NAME}")


def test_a_wait_is_told_as_the_hub_tells_it(hub):
    hub.faults.strike(Fault("limited", seconds=7))
    answer = commit(hub)

    limit = parse_ratelimit_headers(answer.headers)
    assert (answer.status_code, limit.remaining, limit.reset_in_seconds) == (429, 0, 7)


def test_any_status(hub):
    hub.faults.strike(Fault("error", status=503), times=2)

    assert [commit(hub).status_code for _ in range(3)] == [503, 503, 200]


def test_a_fault_at_the_nth_request(hub, api):
    hub.faults.strike(Fault("error"), nth=2)
    hub.faults.strike(Fault("error", status=502), route="refs", nth=1)
    url = f"{hub.url}/api/datasets/{NAME}"
    asked = [url, f"{url}/refs", url, f"{url}/refs", url]

    statuses = [get_session().get(one).status_code for one in asked]
    assert statuses == [200, 200, 500, 502, 200]


def test_faults_can_be_called_off(hub):
    hub.faults.strike(Fault("error"), times=100)
    hub.faults.clear()

    assert commit(hub).status_code == 200
    with pytest.raises(ValueError, match="no fault is called 'crash'"):
        Fault("crash")


def test_a_stall_holds_the_answer_back_and_the_effect(hub, api):
    hub.faults.strike(Fault("stall", seconds=60), route="commit")
    with pytest.raises(httpx2.ReadTimeout):
        get_session().post(
            f"{hub.url}/api/datasets/{NAME}/commit/main",
            content=LINES,
            headers=BEARER,
            timeout=0.2,
        )

    assert paths(api) == [".gitattributes"]


def test_a_server_that_stops_ends_its_stalls(hub, api):
    hub.faults.strike(Fault("stall", seconds=60), route="commit")
    failed = []

    def ask():
        try:
            commit(hub)
        except httpx2.TransportError as error:
            failed.append(error)

    thread = threading.Thread(target=ask)
    before = hub.log.mark()
    thread.start()
    while not hub.log.since(before):
        thread.join(0.01)
    hub.stopping.set()
    thread.join(10)
    assert len(failed) == 1


def test_an_upload_is_sent_again_by_the_client(hub, api, monkeypatch):
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
    hub.faults.strike(Fault("reset_request"), route="lfs-put")
    hub.faults.strike(Fault("error", status=503), route="lfs-put", nth=1)
    api.create_commit(
        NAME,
        [CommitOperationAdd("a.parquet", bytes(3_000_000))],
        commit_message="a",
        repo_type="dataset",
    )

    puts = [(one.status, one.received) for one in hub.log.asked if one.route == "lfs-put"]
    assert puts == [(None, 1_500_000), (503, 3_000_000), (200, 3_000_000)]


def test_the_client_does_not_ask_for_a_commit_again(hub, api):
    hub.faults.strike(Fault("error"), route="commit")
    with pytest.raises(HfHubHTTPError):
        api.create_commit(
            NAME,
            [CommitOperationAdd("a.txt", b"a")],
            commit_message="a",
            repo_type="dataset",
        )

    assert [one.route for one in hub.log.asked].count("commit") == 1
