import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from builder.errors import RunError, UsageError
from builder.release import folder_swap
from builder.release.changelog import changelog
from builder.release.copy import copy_release
from tests.select.tiny_run import recipe, row


def of_split(split, version="1.2.0", **changes):
    return recipe(version=version, publish={"repo": "org/set", "split": split}, **changes)


def test_copy_to_a_new_folder_is_the_same_bytes(release, contents, tmp_path):
    made = release()
    assert copy_release(made.folder, tmp_path / "deep" / "out") == ["pro"]
    assert contents(tmp_path / "deep" / "out") == contents(made.folder)


def test_copy_to_an_empty_folder(release, contents, tmp_path):
    (tmp_path / "out").mkdir()
    made = release()
    copy_release(made.folder, tmp_path / "out")
    assert contents(tmp_path / "out") == contents(made.folder)


def test_other_splits_stay_as_they_are_and_the_card_speaks_of_all(release, contents, tmp_path):
    air = release("air", [row(0, "An air row")], of_split("air"))
    copy_release(air.folder, tmp_path / "out")
    pro = release("pro", recipe_=of_split("pro"))
    assert copy_release(pro.folder, tmp_path / "out") == ["air", "pro"]
    found = contents(tmp_path / "out")
    shared = {"README.md", "CHANGELOG.md"}
    for made in (air, pro):
        own = {name: data for name, data in contents(made.folder).items() if name not in shared}
        assert own.items() <= found.items()
    card = found["README.md"].decode()
    assert "path: filtered/air-*.parquet" in card
    assert "path: filtered/pro-*.parquet" in card
    assert "## Split `air`" in card
    assert "## Split `pro`" in card
    assert found["CHANGELOG.md"].decode().count("\n## ") == 2


def test_order_of_publishing_changes_only_the_changelog(release, contents, tmp_path):
    air = release("air", [row(0, "An air row")], of_split("air"))
    pro = release("pro", recipe_=of_split("pro"))
    for name, order in (("one", (air, pro)), ("other", (pro, air))):
        for made in order:
            copy_release(made.folder, tmp_path / name)
    one, other = (contents(tmp_path / name) for name in ("one", "other"))
    assert one.pop("CHANGELOG.md") != other.pop("CHANGELOG.md")
    assert one == other


def test_the_same_split_is_replaced_and_its_versions_are_told(release, contents, tmp_path):
    old = release("old", [row(0, "An old row")], of_split("pro", "1.0.0"))
    copy_release(old.folder, tmp_path / "out")
    stale = tmp_path / "out/filtered/pro-00001-of-00002.parquet"
    stale.write_bytes(b"of a bigger version")
    (tmp_path / "out/LICENSE").write_text("kept")
    new = release("new", recipe_=of_split("pro", "1.1.0"))
    copy_release(new.folder, tmp_path / "out")
    found = contents(tmp_path / "out")
    assert found.pop("LICENSE") == b"kept"
    assert found.keys() == contents(new.folder).keys()
    assert found["facts/pro.json"] == contents(new.folder)["facts/pro.json"]
    log = found["CHANGELOG.md"].decode()
    assert log.index("## pro 1.1.0") < log.index("## pro 1.0.0")
    copy_release(new.folder, tmp_path / "out")
    assert (tmp_path / "out/CHANGELOG.md").read_text() == log


def test_the_source_is_never_changed(release, contents, tmp_path):
    made = release()
    copy_release(made.folder, tmp_path / "out")
    before = contents(made.folder)
    (tmp_path / "out/README.md").write_text("edited by hand")
    copy_release(made.folder, tmp_path / "out")
    assert contents(made.folder) == before == contents(tmp_path / "out")


def test_a_folder_that_is_no_release_is_left_alone(release, contents, tmp_path):
    made = release()
    (tmp_path / "home").mkdir()
    for name in ("thesis.tex", "a.txt", "b.txt", "c.txt"):
        (tmp_path / "home" / name).write_text("mine")
    with pytest.raises(UsageError) as caught:
        copy_release(made.folder, tmp_path / "home")
    assert caught.value.message == (
        f"{tmp_path}/home is not empty, and no release: it holds a.txt, b.txt, c.txt and 1 more"
    )
    assert caught.value.exit_status == 2
    assert len(contents(tmp_path / "home")) == 4


def test_a_file_as_target(release, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="is a file"):
        copy_release(release().folder, tmp_path / "file")


@pytest.mark.parametrize("target", ["run/release", "run/release/sub", "run"])
def test_a_target_around_or_inside_the_release(release, tmp_path, target):
    made = release()
    with pytest.raises(UsageError, match="lie in one another"):
        copy_release(made.folder, tmp_path / target)


def test_a_run_without_release(tmp_path):
    with pytest.raises(UsageError, match="is no release"):
        copy_release(tmp_path / "nothing", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_facts_of_a_later_format_are_refused(release, tmp_path):
    made = release("air", recipe_=of_split("air"))
    copy_release(made.folder, tmp_path / "out")
    facts = tmp_path / "out/facts/air.json"
    facts.write_text(json.dumps({"format": 2}))
    with pytest.raises(RunError, match=r"air\.json has format 2; this version of magpie reads 1"):
        copy_release(release("pro", recipe_=of_split("pro")).folder, tmp_path / "out")
    facts.write_text("{")
    with pytest.raises(RunError, match=r"air\.json cannot be read"):
        copy_release(release("pro", rows=None, recipe_=of_split("pro")).folder, tmp_path / "out")


def test_changelog_keeps_what_people_wrote_into_older_sections(release):
    older = (
        "# Changelog\n\n## pro 1.1.0\n\n- by hand\n\n### More\n\n- a line\n\n## pro 1.2.0\n\n- x\n"
    )
    assert changelog(release().facts, older) == (
        "# Changelog\n\n## pro 1.2.0\n\n- 10 rows sampled, 3 kept\n"
        "- dropped: failed 2, whole 1, short 1, duplicate 1, unanswered 1, wordy 1\n"
        "- recipe tiny, model org/tiny-model, revision abc123\n\n"
        "## pro 1.1.0\n\n- by hand\n\n### More\n\n- a line\n"
    )


KILLED = """
import os, signal, sys
from pathlib import Path
from builder.release import copy, folder_swap
def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
class Dies(type(Path())):
    def rename(self, target):
        if self.name.endswith("making"):
            die()
        return super().rename(target)
if sys.argv[1] == "writing":
    copy.write_card = die
if sys.argv[1] == "swapping":
    beside = folder_swap._beside
    folder_swap._beside = lambda folder, role: Dies(beside(folder, role))
copy.copy_release(Path(sys.argv[2]), Path(sys.argv[3]))
"""


@pytest.mark.parametrize("moment", ["writing", "swapping"])
def test_a_killed_copy_loses_nothing(release, contents, tmp_path, moment):
    out = tmp_path / "out"
    copy_release(release("air", recipe_=of_split("air")).folder, out)
    before = contents(out)
    pro = release("pro", recipe_=of_split("pro"))
    root = str(Path(folder_swap.__file__).parents[2])
    call = [sys.executable, "-c", KILLED, moment, str(pro.folder), str(out)]
    done = subprocess.run(call, check=False, env=os.environ | {"PYTHONPATH": root})
    assert done.returncode == -signal.SIGKILL
    if moment == "writing":
        assert contents(out) == before
    assert [path for path in tmp_path.iterdir() if path.name.endswith(".making")]
    assert copy_release(pro.folder, out) == ["air", "pro"]
    assert contents(out)["facts/air.json"] == before["facts/air.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["air", "out", "pro"]


def test_a_draft_of_a_living_process_is_left_to_it(tmp_path):
    (tmp_path / f".out.{os.getppid()}.making").mkdir()
    (tmp_path / f".out.{os.getpid()}.making").mkdir()
    (tmp_path / ".out.letter.making").mkdir()
    folder_swap.recover(tmp_path / "out")
    left = [path.name for path in tmp_path.iterdir()]
    assert sorted(left) == sorted([f".out.{os.getppid()}.making", ".out.letter.making"])


def test_an_interrupted_draft_is_cleared_and_the_old_folder_stays(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/file").write_text("old")
    with pytest.raises(KeyboardInterrupt), folder_swap.replacing_folder(tmp_path / "out") as draft:
        (draft / "file").write_text("new")
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out/file").read_text() == "old"
