"""What stops a run short of `kill -9`: Ctrl-C, SIGTERM, another process, a full disk."""

import random
import re
import signal
import subprocess

import pytest

from tests.kill.rig import LONGEST, contents

pytestmark = pytest.mark.slow

SLOW = "engine.delay=0.005"
"""So that a run does not end before it is stopped."""


def started(rig, more=0):
    """A build that has written a row, and `more` bytes of further ones."""
    grown = rig.grows("run/shards/*/*.jsonl", more)
    process = rig.start(SLOW)
    assert rig.wait(process, grown)
    return process


def last_words(process):
    """What a process wrote to stdout, and to stderr after its preflight and its plan."""
    out, errors = process.communicate(timeout=LONGEST)
    errors = re.sub(r"\A.*\nPreflight: [^\n]*\n", "", errors, flags=re.DOTALL)
    return out, re.sub(r"\A\nplan  .*?\n *\n", "", errors, flags=re.DOTALL)


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_a_stopped_run_says_how_to_go_on(rig, unkilled, number):
    chance = random.Random(number)
    for more in (0, 9000):
        process = started(rig, more)
        rig.pause(chance.uniform(0, 0.02))
        process.send_signal(signal.Signals[number])
        out, errors = last_words(process)
        assert (process.returncode, out) == (3, "")
        said = re.fullmatch(
            r"stopped: (.*) holds (\d+) rows, (\d+) of them kept; nothing that was finished is "
            r"lost\nTo go on: magpie build (.*)\n",
            errors,
        )
        assert said, errors
        assert said[1] == str(rig.run)
        assert int(said[2]) >= int(said[3])
        assert said[4] == f"{rig.recipe} --set {SLOW} --run {rig.run}"
        assert rig.events()[-1] == "sampling-ended"
    done, (end, _) = rig.seeds_done(), rig.asked()
    assert contents(rig.finish()) == unkilled()
    assert done.isdisjoint(rig.asked(end)[1])


def test_a_second_process_is_refused_with_the_pid_of_the_first(rig):
    first = started(rig)
    second = rig.start()
    out, errors = last_words(second)
    assert (second.returncode, out) == (1, "")
    assert errors == (
        f"error: process {first.pid} is working on {rig.run}\n"
        f"Wait for it, or stop it (`kill -INT {first.pid}`), then run this again.\n"
    )
    assert first.poll() is None


ROOM = (
    "What was finished is safe. Make room (`df -h` shows where), then run the same command again: "
    "it goes on where it stopped.\n"
)


def test_a_file_that_may_not_grow_stops_the_run_and_room_lets_it_go_on(rig, unkilled):
    process = rig.start(shell="ulimit -f 21")  # blocks of 512 bytes, for any file: run.json fits
    out, errors = last_words(process)
    assert (process.returncode, out) == (1, "")
    said = re.fullmatch(r"error: cannot write (.*): (File too large|No space.*)\n(.*\n)", errors)
    assert said, errors
    assert said[1].startswith(f"{rig.run}/shards/")
    assert said[3] == ROOM
    before, (end, _) = rig.seeds_done(), rig.asked()
    assert len(before) > 10
    assert contents(rig.finish()) == unkilled()
    assert before.isdisjoint(rig.asked(end)[1])


def mount(*arguments):
    done = subprocess.run(["mount", *map(str, arguments)], check=False, capture_output=True)
    if done.returncode:
        pytest.skip("no right to mount a small file system")


@pytest.mark.parametrize("size", [40, 130, 200, 260])
def test_a_full_disk_stops_the_run_and_room_lets_it_go_on(rig, unkilled, size):
    """Full while rows are sampled, while a shard is completed, while the release is made."""
    rig.run.mkdir()
    mount("-t", "tmpfs", "-o", f"size={size}k", "tmpfs", rig.run)
    try:
        process = rig.start("engine.delay=0")
        out, errors = last_words(process)
        assert (process.returncode, out) == (1, "")
        said = re.fullmatch(r"error: cannot write (.*): No space left on device\n(.*\n)", errors)
        assert said, errors
        assert said[1].startswith(str(rig.run))
        assert said[2] == ROOM
        before, (end, _) = rig.seeds_done(), rig.asked()
        mount("-o", "remount,size=50m", rig.run)
        assert contents(rig.finish("engine.delay=0")) == unkilled()
        assert before.isdisjoint(rig.asked(end)[1])
    finally:
        subprocess.run(["umount", "-l", rig.run], check=True)


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_a_run_started_in_the_background_of_a_script_can_be_stopped(rig, number):
    """Such a shell has SIGINT ignored in what it starts."""
    grown = rig.grows("run/shards/*/*.jsonl")
    process = rig.start(SLOW, shell="trap '' INT")
    assert rig.wait(process, grown)
    process.send_signal(signal.Signals[number])
    out, errors = last_words(process)
    assert (process.returncode, out) == (3, "")
    assert errors.startswith("stopped: ")
