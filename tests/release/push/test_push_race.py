import threading

import pytest
from huggingface_hub import HfApi

from builder.errors import PrerequisiteError
from builder.release.push import hub as hub_module
from builder.release.push import publish as module
from builder.release.push.hub import Hub, Watch
from builder.release.push.publish import publish
from builder.release.push.ready import Order
from builder.release.push.refusals import PublishError
from tests.release.push.conftest import REPO, TOKEN
from tests.release.push.test_push_versions import with_edit
from tests.servers.hub import Fault


@pytest.fixture
def overtaken(publisher, tmp_path):
    """Publishes a release, and does something else between its first plan and its commit."""

    def push(folder, meanwhile, **asked):
        plans, said = [], []

        def show(plan):
            plans.append(plan)
            if len(plans) == 1:
                meanwhile()

        hub = Hub(TOKEN, Watch(tell=said.append), pauses=(0.0,) * 3)
        done = publish(hub, Order(folder, REPO, **asked), show, lambda _: True, tmp_path)
        return done, plans, said

    return push


def test_another_split_in_between(publisher, overtaken, made, seen):
    publisher(made("pro", 3))
    air, pro = made("air", 4), made("pro", 5)
    done, plans, said = overtaken(pro, lambda: publisher(air))
    assert [str(plan.version) for plan in plans] == ["1.1.0", "1.2.0"]
    assert said[0].startswith(f"another commit came in between on {REPO}: ")
    assert seen().holds(air, "v1.1.0")
    assert seen().holds(pro, "v1.2.0")
    assert seen().holds(air, "v1.2.0")
    assert "path: filtered/air-*.parquet" in seen().read("README.md").decode()
    assert seen().tags["v1.2.0"] == done.commit == seen().head


def test_the_same_split_in_between(publisher, overtaken, made, seen):
    publisher(made("pro", 3))
    theirs, ours = made("pro", 5), made("pro", 4)
    _done, plans, _ = overtaken(ours, lambda: publisher(theirs))
    assert [str(plan.version) for plan in plans] == ["1.1.0", "2.0.0"]
    assert seen().holds(theirs, "v1.1.0")
    assert seen().holds(ours, "v2.0.0")


def test_the_same_release_from_two_machines(publisher, overtaken, made, seen):
    folder = made("pro", 3)
    done, _plans, _ = overtaken(folder, lambda: publisher(folder))
    assert seen().tags == {"v1.0.0": done.commit}
    assert len(seen().titles) == 2


def test_a_repository_that_was_made_while_its_answer_was_lost(publisher, made, seen, hub):
    """The client cannot read a conflict that does not say where the repository is."""
    hub.faults.strike(Fault("lost"), route="create")
    hub.faults.strike(Fault("error", status=409), route="create", times=100)
    done = publisher(made("pro", 3))
    assert seen().tags == {"v1.0.0": done.commit}


@pytest.mark.parametrize("option", [{"private": True}, {"private": False}])
def test_a_repository_that_somebody_made_otherwise_in_between(
    publisher, made, seen, hub, monkeypatch, option
):
    api = HfApi(endpoint=hub.url, token=TOKEN)
    real = module.make_repository

    def later(*given, **told):
        api.create_repo(REPO, repo_type="dataset", private=not option["private"])
        real(*given, **told)

    monkeypatch.setattr(module, "make_repository", later)
    with pytest.raises(PrerequisiteError) as caught:
        publisher(made("pro", 3), **option)
    (line,) = caught.value.missing
    assert line.startswith(f"visibility: {REPO} is {'public' if option['private'] else 'private'}.")
    assert caught.value.mend == "So far: org/tiny-set may be there by now, without any release."
    assert seen().titles == ["initial commit"]


def test_a_hand_in_between(publisher, overtaken, made, seen, hub):
    publisher(made("pro", 3))
    done, _plans, _ = overtaken(made("pro", 4), lambda: with_edit(hub, "notes.txt", b"x"))
    assert str(done.plan.version) == "1.1.0"
    assert seen().read("notes.txt", "v1.1.0") == b"x"


def test_one_that_was_stopped_before_its_tag_is_tagged_by_the_next(
    publisher, made, seen, hub, monkeypatch
):
    publisher(made("pro", 3))
    theirs = made("pro", 4)
    hub.faults.strike(Fault("error"), route="create-tag", times=100)
    with pytest.raises(PublishError):
        publisher(theirs)
    hub.faults.clear()
    assert list(seen().tags) == ["v1.0.0"]
    landed = seen().head
    publisher(made("air", 2))
    assert seen().tags["v1.1.0"] == landed
    assert seen().tags["v1.2.0"] == seen().head
    assert publisher.said[-1] == "v1.1.0 was committed and has no tag yet: putting it"


def test_one_that_was_stopped_before_its_tag_and_overtaken_is_tagged_where_it_landed(
    publisher, made, seen, hub
):
    publisher(made("pro", 3))
    hub.faults.strike(Fault("error"), route="create-tag", times=100)
    folder = made("pro", 4)
    with pytest.raises(PublishError):
        publisher(folder)
    hub.faults.clear()
    landed = seen().head
    with_edit(hub, "notes.txt", b"x")
    done = publisher(folder)
    assert (done.new, done.commit) == (False, landed)
    assert seen().tags["v1.1.0"] == landed


def test_a_tag_that_somebody_else_put_is_never_moved(publisher, overtaken, made, seen, hub):
    from huggingface_hub import HfApi

    publisher(made("pro", 3))
    first, folder = seen().head, made("pro", 4)

    def take():
        HfApi(endpoint=hub.url, token=TOKEN).create_tag(REPO, tag="v1.1.0", repo_type="dataset")

    with pytest.raises(PublishError) as caught:
        overtaken(folder, take)
    assert caught.value.message.startswith(f"v1.1.0 of {REPO} stands on {first[:7]}, and this")
    assert seen().tags["v1.1.0"] == first
    done = publisher(folder)
    assert seen().tags["v1.2.0"] == done.commit == seen().head
    assert seen().holds(folder, "v1.2.0")


@pytest.mark.slow
@pytest.mark.parametrize("number", range(5))
def test_two_publishers_at_once(publisher, made, seen, hub, tmp_path, number):
    folders = {"air": made("air", 3), "pro": made("pro", 4)}
    publisher(made("pro", 2))
    failed = []

    def push(folder):
        try:
            hub_ = Hub(TOKEN, pauses=(0.0,) * 3)
            publish(hub_, Order(folder, REPO), lambda _: None, lambda _: True, tmp_path)
        except PublishError as error:
            failed.append(error)

    threads = [threading.Thread(target=push, args=(folder,)) for folder in folders.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert all(seen().holds(folder, "main") for folder in folders.values())
    assert sorted(seen().tags) == ["v1.0.0", "v1.1.0", "v1.2.0"]
    assert seen().tags["v1.2.0"] == seen().head
    assert len(seen().titles) == 4


def test_others_that_never_stop(publisher, made, hub, monkeypatch, tmp_path):
    publisher(made("pro", 3))
    monkeypatch.setattr(module, "ROUNDS", 2)
    edits = iter(range(100))

    def show(_):
        with_edit(hub, f"{next(edits)}.txt", b"x")

    with pytest.raises(PublishError, match=f"others keep publishing to {REPO}"):
        publish(Hub(TOKEN), Order(made("pro", 4), REPO), show, lambda _: True, tmp_path)


def test_a_hub_that_is_silent_for_too_long_is_asked_again(publisher, made, seen, hub, monkeypatch):
    monkeypatch.setattr(hub_module, "ANSWER_SECONDS", 0.5)
    hub.faults.strike(Fault("stall", seconds=1.5), route="commit")
    done = publisher(made("pro", 3))
    assert seen().tags == {"v1.0.0": done.commit}
    assert len(seen().titles) == 2


def test_an_upload_in_parts_and_its_progress(publisher, made, seen, hub):
    hub.chunk_size = 4096
    sent, folder = [], made("pro", 6)
    watch = Watch(sent=lambda done, everything: sent.append((done, everything)))
    publish(Hub(TOKEN, watch), Order(folder, REPO), lambda _: None, lambda _: True, folder)
    assert seen().holds(folder, "v1.0.0")
    assert "lfs-part" in [asked.route for asked in hub.log.asked]
    assert sent[0] == (0, sent[-1][1])
    assert sent[-1][0] == sent[-1][1] > 0


def test_we_wait_as_long_as_the_hub_says_and_say_so(publisher, made, hub):
    hub.faults.strike(Fault("limited", seconds=37), route="create-tag")
    publisher(made("pro", 3))
    assert publisher.said == [
        f"The Hub asks us to wait (tag v1.0.0 of {REPO}: Too Many Requests); trying again in 38 s"
    ]


def test_a_wait_that_is_too_long_ends_it(publisher, made, hub):
    hub.faults.strike(Fault("limited", seconds=3600), route="create-tag")
    with pytest.raises(PublishError, match="the Hub asks us to wait for 3600 s"):
        publisher(made("pro", 3))
    assert publisher(made("pro", 3)).plan.version.tag == "v1.0.0"
