"""A Hub of another make, which lacks what only the real one answers."""

import pytest

from builder.release.push.refusals import PublishError
from tests.release.push.conftest import REPO
from tests.servers.hub import Fault

ABSENT = ("auth-check", "commits")
"""Routes without which a release can be published."""

FOREVER = 10**6


@pytest.fixture
def bare(hub):
    """Makes the Hub one that knows none of `ABSENT`; to be called again once faults are cleared."""

    def strip():
        hub.faults.clear()
        for route in ABSENT:
            hub.faults.strike(Fault("error", status=404), route=route, times=FOREVER)

    strip()
    return strip


def test_the_routes_are_those_that_the_server_has(hub, publisher, made):
    mark = hub.log.mark()
    publisher(made("pro"))
    publisher(made("pro", 7))
    assert {asked.route for asked in hub.log.since(mark)} >= set(ABSENT)


def test_a_first_release_a_second_split_and_the_same_again(bare, publisher, made, seen):
    assert publisher(made("pro")).plan.version.tag == "v1.0.0"
    assert publisher(made("air")).plan.version.tag == "v1.1.0"
    again = publisher(made("air"))
    assert (again.new, again.plan.version.tag) == (False, "v1.1.0")
    assert seen().holds(made("pro"), "v1.1.0")
    assert seen().holds(made("air"), "v1.1.0")


@pytest.mark.parametrize("kind", ["lost", "reset_answer", "error_late"])
def test_a_commit_whose_answer_is_lost_is_found_by_its_files(
    bare, hub, publisher, made, seen, kind
):
    publisher(made("air"))
    hub.faults.strike(Fault(kind, seconds=0), route="commit")
    done = publisher(made("pro"))
    assert seen().tags == {"v1.0.0": seen().tags["v1.0.0"], "v1.1.0": done.commit}
    assert seen().head == done.commit
    assert seen().holds(made("pro"), "main")


def test_what_was_committed_and_not_tagged_is_tagged_by_the_next_publish(
    bare, hub, publisher, made, seen
):
    publisher(made("air"))
    hub.faults.strike(Fault("error", status=500), route="create-tag", times=FOREVER)
    with pytest.raises(PublishError):
        publisher(made("pro"))
    bare()
    head = seen().head
    done = publisher(made("pro"))
    assert (done.commit, done.plan.version.tag) == (head, "v1.1.0")
    assert seen().tags["v1.1.0"] == seen().head == head


def test_a_first_release_without_its_tag(bare, hub, publisher, made, seen):
    hub.faults.strike(Fault("error", status=500), route="create-tag", times=FOREVER)
    with pytest.raises(PublishError):
        publisher(made("pro"))
    bare()
    done = publisher(made("pro"))
    assert seen().tags == {"v1.0.0": done.commit}
    assert done.plan.repo == REPO
