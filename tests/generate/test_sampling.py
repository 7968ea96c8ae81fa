import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import builder
from builder.generate.sampling import row_seed, row_uuid, sweep_point
from builder.recipe.schema import SweepPoint

ROOT = Path(builder.__file__).parents[1]
SWEEP = (
    SweepPoint(temperature=1.0, top_p=1.0, weight=5.0),
    SweepPoint(temperature=1.0, top_p=0.995, weight=3.0),
    SweepPoint(temperature=1.1, top_p=0.99, weight=1.5),
    SweepPoint(temperature=1.25, top_p=0.98, weight=0.5),
)


@pytest.mark.parametrize("seed", [0, 1, 7, 2**31 - 1])
def test_any_prefix_of_the_rows_holds_the_sweep_in_its_shares(seed):
    seen = Counter()
    for row in range(3000):
        seen[sweep_point(seed, row, SWEEP)] += 1
        off = [abs(seen[point] - (row + 1) * point.weight / 10) for point in SWEEP]
        assert max(off) <= 3, row


def test_far_rows_are_as_balanced_as_the_first():
    first = 10**9
    seen = Counter(sweep_point(7, first + row, SWEEP) for row in range(1000))
    assert all(abs(seen[point] - 100 * point.weight) <= 3 for point in SWEEP)


def test_a_sweep_of_one_point_is_that_point():
    assert {sweep_point(7, row, SWEEP[:1]) for row in range(100)} == {SWEEP[0]}


@pytest.mark.parametrize("stage", ["instruct", "respond"])
def test_no_two_of_a_million_rows_share_a_seed(stage):
    seeds = {row_seed(7, row, stage) for row in range(10**6)}
    assert len(seeds) == 10**6
    assert min(seeds) >= 0
    assert max(seeds) < 2**31


def test_stages_and_recipes_have_seeds_of_their_own():
    seeds = [row_seed(seed, 0, stage) for seed in range(100) for stage in ("instruct", "respond")]
    assert len(set(seeds)) == 200


def test_what_a_row_is_sampled_with_is_the_same_for_ever():
    assert row_uuid("fingerprint", 12) == "e38bf467-5c2f-524a-b7fd-9ab00f01c67e"
    assert [row_seed(7, row, "instruct") for row in range(3)] == [874804431, 54538668, 1381756553]
    assert [SWEEP.index(sweep_point(7, row, SWEEP)) for row in range(12)] == [
        0,
        1,
        0,
        3,
        1,
        0,
        2,
        0,
        0,
        1,
        0,
        2,
    ]


def test_another_process_says_the_same():
    code = """
import json
from builder.generate.sampling import row_seed, row_uuid
print(json.dumps([[row_uuid("f", row), row_seed(3, row, "respond")] for row in range(50)]))
"""
    environment = os.environ | {"PYTHONHASHSEED": "99"}
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, cwd=ROOT, env=environment
    )
    here = [[row_uuid("f", row), row_seed(3, row, "respond")] for row in range(50)]
    assert json.loads(done.stdout) == here
    assert len({uuid for uuid, _ in here}) == 50


def test_another_shape_of_recipe_has_other_identities():
    assert row_uuid("a", 1) != row_uuid("b", 1)
