import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from builder.release import folder_swap
from tests.select.tiny_run import recipe

KILLED = """
import os, signal, sys
from pathlib import Path
from builder.release import folder_swap, parquet, release
from builder.run.shards import Shards
from builder.select.selection import select
from tests.select.tiny_run import TEMPLATE, recipe
def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
class Dies(type(Path())):
    def rename(self, target):
        if self.name.endswith("making"):
            die()
        return super().rename(target)
if sys.argv[1] == "rows":
    parquet.SplitWriter.finish = die
if sys.argv[1] == "card":
    release.write_card = die
if sys.argv[1] == "swap":
    beside = folder_swap._beside
    folder_swap._beside = lambda folder, role: Dies(beside(folder, role))
if sys.argv[1] == "after":
    folder_swap.sync = lambda path: path.name == "run" and die()
run = Path(sys.argv[2])
shards, tight = Shards(run / "shards", 4), recipe(select={"longest": 1})
funnel = select(shards, tight, run / "selection.parquet").to_json()
selected = release.Selected(shards, run / "selection.parquet", funnel)
release.make_release(run / "release", selected, tight, TEMPLATE)
"""


@pytest.mark.parametrize("moment", ["rows", "card", "swap", "after"])
def test_a_killed_release_is_the_old_one_or_the_new_one(release, contents, tmp_path, moment):
    tight = recipe(select={"longest": 1})
    old = contents(release().folder)
    new = contents(release("other", recipe_=tight).folder)
    root = Path(folder_swap.__file__).parents[2]
    call = [sys.executable, "-c", KILLED, moment, str(tmp_path / "run")]
    done = subprocess.run(call, check=False, env=os.environ | {"PYTHONPATH": str(root)})
    assert done.returncode == -signal.SIGKILL
    left = {path.name for path in (tmp_path / "run").iterdir()}
    assert len(left) == 4  # release or its backup, draft, shards, selection
    folder_swap.recover(tmp_path / "run/release")
    assert contents(tmp_path / "run/release") == (new if moment == "after" else old)
    release("run", rows=None, recipe_=tight)
    assert contents(tmp_path / "run/release") == new
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "release",
        "selection.parquet",
        "shards",
    }
