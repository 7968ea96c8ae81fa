"""One commit with all that a plan changes: it lands as a whole or not at all.

The client asks for a commit once. Whatever comes back but an answer, the commit may have landed, so
the repository is read again: it stands as before (ask again), holds our commit (go on), or holds
somebody else's (plan anew).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from builder.errors import RetryError
from builder.release.push.chunked import forgetting, is_chunked
from builder.release.push.hub import Hub, given_up
from builder.release.push.plan import Plan
from builder.release.push.refusals import ChunksError, ConflictError, MovedError, PublishError
from builder.release.push.remote import KIND, UNTOLD, Tree, history, read_head, read_tree
from builder.release.push.staged import Staged
from builder.release.push.watched import watched

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

AT_ONCE: Final = 256 * 10**6
"""Bytes of files that are uploaded in one go, for the sake of telling how far it is."""


def make_repository(hub: Hub, repo: str, *, private: bool) -> None:
    """Make the repository. One that is there already is fine. Raises `PublishError`."""
    hub.watch.state = f"{repo} may be there by now, without any release"
    try:
        hub.ask(
            f"make {repo}",
            lambda: hub.api.create_repo(repo, repo_type=KIND, private=private, exist_ok=True),
        )
    except PublishError as error:
        try:
            read_head(hub, repo)  # it may be there, and the answer that said so was lost
        except PublishError:
            raise error from None


def commit(hub: Hub, plan: Plan, staged: Staged) -> str:
    """Upload what is new, commit it, and return the commit.

    Raises `MovedError` when another commit came in between, `PublishError` when the Hub refuses.
    """
    from huggingface_hub import CommitOperationDelete

    additions = [_addition(path, staged) for path in plan.sent]
    _upload(hub, plan, additions)
    deletions = [CommitOperationDelete(path) for path in plan.deleted]
    hub.watch.state = f"{plan.repo} holds the release as a whole, or is as it was"
    pauses = iter(hub.pauses)
    while True:
        try:
            return _commit_once(hub, plan, [*additions, *deletions])
        except (RetryError, ConflictError) as error:
            landed = _landed(hub, plan, staged)
            if landed is not None:
                return landed
            pause = next(pauses, None)
            if isinstance(error, ConflictError):
                raise PublishError(error.message, mend="Run the same command again.") from error
            if pause is None:
                raise given_up(error) from error
            hub.wait(pause, error)


def _addition(path: str, staged: Staged) -> CommitOperationAdd:
    from huggingface_hub import CommitOperationAdd

    content = staged.files[path]
    addition = CommitOperationAdd(path, content.path)
    addition.upload_info.sha256 = bytes.fromhex(content.sha256)  # it is known: not again
    return addition


def _upload(hub: Hub, plan: Plan, additions: list[CommitOperationAdd]) -> None:
    """Send the large files ahead, so that it can be told how far it is; nobody sees them yet."""
    hub.watch.state = f"{plan.repo} is as it was; files that were sent are not sent again"
    everything, done = sum(one.upload_info.size for one in additions), 0
    hub.watch.sent(0, everything)
    for batch in _batches(additions):
        _send(hub, plan, _sending(hub, plan, batch, done, everything))
        done += sum(one.upload_info.size for one in batch)
        hub.watch.sent(done, everything)


def _send(hub: Hub, plan: Plan, send: Callable[[], None]) -> None:
    """Send a batch; where the storage lacks what hf_xet counts on, with all its chunks."""
    what = f"upload to {plan.repo}"
    try:
        hub.ask(what, send)
    except ChunksError as error:
        hub.watch.tell(f"The storage lacks what was sent earlier ({error.message}): sending it all")
        with forgetting():
            hub.ask(what, send)


def _sending(
    hub: Hub, plan: Plan, batch: list[CommitOperationAdd], done: int, everything: int
) -> Callable[[], None]:
    """Return the request that uploads a batch; `done` bytes of all were sent before it."""

    def send() -> None:
        hub.api.preupload_lfs_files(plan.repo, batch, repo_type=KIND, free_memory=False)

    if not is_chunked():
        return send
    return lambda: watched(send, lambda size: hub.watch.sent(done + size, everything))


def _batches(additions: list[CommitOperationAdd]) -> list[list[CommitOperationAdd]]:
    batches: list[list[CommitOperationAdd]] = []
    size = AT_ONCE
    for one in sorted(additions, key=lambda one: one.upload_info.size):
        size += one.upload_info.size
        if size > AT_ONCE:
            batches.append([])
            size = one.upload_info.size
        batches[-1].append(one)
    return batches


def _commit_once(
    hub: Hub, plan: Plan, operations: Sequence[CommitOperationAdd | CommitOperationDelete]
) -> str:
    def call() -> str:
        return hub.api.create_commit(
            plan.repo,
            operations,
            commit_message=plan.title,
            commit_description="\n".join(f"- {reason}" for reason in plan.reasons),
            repo_type=KIND,
            parent_commit=plan.parent,
        ).oid

    return hub.once(f"commit to {plan.repo}", call)


def _landed(hub: Hub, plan: Plan, staged: Staged) -> str | None:
    """Return our commit where it landed, None where the repository is as it was.

    Raises `MovedError` where somebody else's commit stands in its place.
    """
    head = read_head(hub, plan.repo)
    if head == plan.parent:
        return None
    for found, title in history(hub, plan.repo, head):
        if found == plan.parent:
            break
        if title in (plan.title, UNTOLD) and not _differences(
            plan, staged, read_tree(hub, plan.repo, found)
        ):
            return found
    raise MovedError(f"another commit came in between on {plan.repo}: {head[:7]}")


def check_commit(hub: Hub, plan: Plan, staged: Staged, made: str, before: Tree) -> None:
    """Hold a commit against the release, and its other files against its parent, by checksum.

    Raises `PublishError` when a file is another, missing, or there in spite of the plan.
    """
    tree = read_tree(hub, plan.repo, made)
    wrong = _differences(plan, staged, tree)
    moved = (path for path in plan.kept if path not in staged.files)
    wrong += [path for path in moved if tree.get(path) != before[path]]
    if wrong:
        raise PublishError(
            f"commit {made[:7]} of {plan.repo} is not what was sent: {', '.join(wrong[:3])}",
            mend="It has no tag, so nobody loads it by a version. Run the same command again.",
        )


def _differences(plan: Plan, staged: Staged, tree: Tree) -> list[str]:
    """Return the files of a commit that are not as the plan has them."""
    files = staged.files
    other = [path for path in files if path not in tree or not tree[path].is_same(files[path])]
    return other + [path for path in plan.deleted if path in tree]
