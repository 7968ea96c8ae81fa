"""Two thousand rows through a server on which everything goes wrong that can."""

import time

import pytest

from tests.servers.authors import ScriptedAuthor
from tests.servers.faults import FaultPlan
from tests.servers.tgi import tgi_process, tgi_server
from tests.soak.rig import Soak, recipe_of

ROWS = 2000
WORDS = 12
AUTHOR = {"MAGPIE_TEST_WORDS": str(WORDS), "MAGPIE_TEST_SLOTS": "32", "MAGPIE_TEST_RATE": "150"}

MIX = {
    "overloaded": 0.03, "refused": 0.02, "generation": 0.02, "incomplete": 0.02,
    "unavailable": 0.02, "reset_before": 0.02, "reset_mid": 0.02, "stall_first": 0.005,
    "stall_between": 0.005, "error_event": 0.02, "garbage": 0.01, "cut_json": 0.01,
    "wrong_type": 0.01, "no_end": 0.01, "crash": 0.001,
}  # fmt: skip
"""One request in five fails, one in a thousand takes the server down."""

DEADLINES = {"first_token": 3.0, "between_tokens": 1.5, "whole": 4.0}

REASONS = {"429 overloaded", "server away", "stalled", "stream broken", "generation failed"}

LONGEST = 300.0
"""Seconds; it takes a tenth of that on two cores that have nothing else to do."""


@pytest.fixture(scope="module")
def faultless(tmp_path_factory):
    """What a server without faults gives."""
    soak = Soak(tmp_path_factory.mktemp("faultless"))
    with tgi_server(lambda: ScriptedAuthor(64, None, WORDS)) as server:
        soak.sample(recipe_of([server.url], ROWS))
    assert soak.progress.retries == {}
    return soak


def assert_whole(soak, faultless, rows):
    """Every row is there once; all but those that were given up are what they should be."""
    recipe = recipe_of(["http://any"], rows)
    given_up = soak.given_up()
    assert soak.lines("instruct") == dict.fromkeys(range(rows), 1)
    assert set(soak.lines("respond").values()) == {1}
    assert soak.rows()["row"].to_list() == list(range(rows))
    assert len(given_up) < rows / 100
    assert all(reason.startswith("given up after 4 tries: ") for reason in given_up.values())
    expected = {
        row: texts
        for row, texts in faultless.kept(recipe_of(["http://any"], ROWS)).items()
        if row < rows and row not in given_up
    }
    assert soak.kept(recipe) == expected
    assert len(expected) > rows / 2


@pytest.mark.slow
def test_every_row_is_there_once_and_as_it_should_be(tmp_path, faultless):
    soak, plan = Soak(tmp_path), FaultPlan(MIX, seed=11, seconds=60.0)
    began = time.monotonic()
    with tgi_process(environ=AUTHOR, faults=plan) as server:
        soak.sample(recipe_of([server.url], ROWS, deadlines=DEADLINES))
        injected, ends = server.injected, list(server.ends)
    assert time.monotonic() - began < LONGEST
    assert_whole(soak, faultless, ROWS)
    assert set(injected) == set(MIX)
    assert 2 <= len(ends) <= injected["crash"]
    assert set(soak.progress.retries) == REASONS
    assert soak.progress.idle_share < 0.05
    assert soak.events[-1][1]["idle_share"] == pytest.approx(soak.progress.idle_share, abs=1e-4)


@pytest.mark.slow
def test_one_of_two_servers_dies_again_and_again(tmp_path, faultless):
    rows, soak = ROWS, Soak(tmp_path)
    plan = FaultPlan({"crash": 0.01, "reset_mid": 0.02}, seed=3)
    with (
        tgi_process(environ=AUTHOR, faults=plan) as dying,
        tgi_process(environ=AUTHOR) as steady,
    ):
        soak.sample(recipe_of([dying.url, steady.url], rows, deadlines=DEADLINES))
        crashes, shares = dying.injected["crash"], (len(dying.requests), len(steady.requests))
    assert_whole(soak, faultless, rows)
    assert crashes >= 2
    assert min(shares) > rows / 10
    assert soak.progress.servers == 2
    assert soak.progress.idle_share < 0.05
