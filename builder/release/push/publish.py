"""The main path of publishing: read, plan, upload, commit, tag, read back.

At any moment the repository holds the old release or the new one as a whole, and the same call
again goes on from there: it finds out what is there, not what was tried.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from builder.release.push.commit import check_commit, commit, make_repository
from builder.release.push.hub import AGAIN, Hub, talking
from builder.release.push.local import LocalRelease, read_release
from builder.release.push.plan import Drawn, Plan, Planner
from builder.release.push.ready import Order, again, check_name, ready
from builder.release.push.refusals import MovedError, PublishError
from builder.release.push.remote import Remote
from builder.release.push.staged import staging
from builder.release.push.tag import tag, tag_landed
from builder.release.push.verify import SCRATCH, read_back, sweep

ROUNDS: Final = 8
"""Plans that are made before we give up because others keep publishing in between."""

Known = Callable[[str], bool]
"""Whether a commit was read back before."""


@dataclass(frozen=True)
class Published:
    """What a publish ended with. `rows` are by configuration and split, as they were read back.

    `new` is False where the repository held it already; `rows` is empty where that had been read
    back before.
    """

    plan: Plan
    commit: str
    new: bool
    rows: Mapping[str, Mapping[str, int]]

    def to_json(self) -> dict[str, Any]:
        """Return the result, with the plan, for `--json`."""
        told = {"commit": self.commit, "tag": self.plan.version.tag, "new": self.new}
        return told | {"rows": self.rows, "plan": self.plan.to_json()}


def dry_run(hub: Hub, order: Order) -> Plan:
    """Return the exact plan, and send nothing. Raises what `publish` raises before it sends."""
    check_name(order.repo)
    release = read_release(order.release)
    with talking(hub.watch):
        remote = ready(hub, order, release, None)
        with _drawn(hub, order, release, remote, None) as drawn:
            return drawn.plan


def publish(
    hub: Hub, order: Order, show: Callable[[Plan], None], known: Known, scratch: Path
) -> Published:
    """Publish a release, or find out that it is published.

    `show` gets each plan before it is carried out. `scratch` is a folder of this run alone with
    room to read the release back; that is left out for a commit that is `known`. Raises
    `PrerequisiteError`, `UsageError` or `PublishError`; whatever it raises, the same call again
    goes on.
    """
    check_name(order.repo)
    release = read_release(order.release)
    sweep(scratch)
    with talking(hub.watch):
        remote = ready(hub, order, release, scratch)
        for _ in range(ROUNDS):
            with _drawn(hub, order, release, remote, scratch) as drawn:
                if remote.head is None:
                    make_repository(hub, order.repo, private=bool(order.private))
                else:
                    show(drawn.plan)
                    made = _carry_out(hub, drawn)
                    if made is not None:
                        return _ended(hub, drawn, release, made, _Check(known, scratch))
            remote = again(hub, order)
    raise PublishError(f"others keep publishing to {order.repo}", mend=AGAIN)


@contextmanager
def _drawn(
    hub: Hub, order: Order, release: LocalRelease, remote: Remote, scratch: Path | None
) -> Iterator[Drawn]:
    """Make a plan; the files that are rendered for it last as long as the block."""
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=scratch) as folder:
        stage = staging(hub, release, remote, Path(folder))
        yield Planner(hub, release, remote, stage).plan(order.version, order.private)


def _carry_out(hub: Hub, drawn: Drawn) -> str | None:
    """Commit and tag; return the commit. What others left without a tag gets it first.

    Returns None when another commit came in between: the plan holds no more.
    """
    plan = drawn.plan
    tag_landed(hub, drawn.remote)
    made = plan.holds
    if made is None:
        try:
            made = commit(hub, plan, drawn.staged)
        except MovedError as error:
            hub.watch.tell(f"{error.message}: planning anew")
            return None
        check_commit(hub, plan, drawn.staged, made, drawn.remote.files)
    if drawn.remote.versions.get(plan.version) != made:
        tag(hub, plan.repo, plan.version, made)
    return made


@dataclass(frozen=True)
class _Check:
    """How to read back."""

    known: Known
    scratch: Path


def _ended(hub: Hub, drawn: Drawn, release: LocalRelease, made: str, check: _Check) -> Published:
    plan = drawn.plan
    rows: dict[str, dict[str, int]] = {}
    if plan.holds is None or not check.known(made):
        rows = read_back(hub, plan, release, drawn.facts, check.scratch)
    return Published(plan, made, plan.holds is None, rows)
