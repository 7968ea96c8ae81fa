import fcntl

import pytest

from builder.errors import RunLockedError
from builder.run.lock import locked

HOLD = """
import os, sys
from pathlib import Path
from builder.run.lock import locked
with locked(Path(sys.argv[1])):
    print(os.getpid(), flush=True)
    sys.stdin.readline()
"""


def test_a_second_process_is_refused_with_the_pid_of_the_first(tmp_path, process):
    first = process(HOLD, tmp_path / "run" / "lock")
    pid = int(first.stdout.readline())
    assert pid == first.pid
    with pytest.raises(RunLockedError) as caught, locked(tmp_path / "run" / "lock"):
        pass
    assert caught.value.message == f"process {pid} is working on {tmp_path / 'run'}"
    assert caught.value.mend == f"Wait for it, or stop it (`kill -INT {pid}`), then run this again."
    assert caught.value.exit_status == 1


def test_a_lock_dies_with_its_process(tmp_path, process):
    first = process(HOLD, tmp_path / "lock")
    first.stdout.readline()
    first.kill()
    first.wait()
    with locked(tmp_path / "lock"):
        pass


def test_a_lock_is_free_again_after_its_block(tmp_path):
    for _ in range(2):
        with locked(tmp_path / "lock"):
            pass


def test_a_look_at_the_lock_does_not_stop_a_run_from_starting(tmp_path, monkeypatch):
    """`magpie status` holds the lock for an instant, to see whether somebody does."""
    path = tmp_path / "lock"
    path.touch()
    with path.open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        tries = []
        flock = fcntl.flock

        def watched(descriptor, how):
            try:
                return flock(descriptor, how)
            finally:
                tries.append(how)
                flock(looking, fcntl.LOCK_UN)

        monkeypatch.setattr(fcntl, "flock", watched)
        with locked(path):
            assert len(tries) == 2
