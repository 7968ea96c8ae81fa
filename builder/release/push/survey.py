"""Look at a repository: its files, its versions, and the releases that have no tag yet."""

from __future__ import annotations

from collections.abc import Mapping

from builder.release.push.hub import Hub
from builder.release.push.refusals import AbsentError, PublishError
from builder.release.push.remote import KIND, Remote, history, read_tree
from builder.release.push.version import Version, version_of_tag, version_of_title
from builder.release.push.whole import is_release


def read_remote(hub: Hub, repo: str) -> Remote:
    """Read what a repository holds now. Raises `PublishError`."""
    try:
        info = hub.ask(f"read {repo}", lambda: hub.api.dataset_info(repo))
    except AbsentError:
        return Remote(repo)
    if info.id != repo:
        raise PublishError(f"{repo} is now called {info.id}", mend=f"Publish --to {info.id}")
    head = info.sha
    if not head:
        raise PublishError(f"{repo} has no commit at all", mend="Delete it, and publish again.")
    tags = _tags(hub, repo)
    tagged = {version: commit for name, commit in tags.items() if (version := version_of_tag(name))}
    return Remote(
        repo,
        head,
        bool(info.private),
        read_tree(hub, repo, head),
        tagged,
        _landed(hub, repo, head, tagged),
    )


def _tags(hub: Hub, repo: str) -> dict[str, str]:
    refs = hub.ask(f"list the tags of {repo}", lambda: hub.api.list_repo_refs(repo, repo_type=KIND))
    return {tag.name: tag.target_commit for tag in refs.tags}


def _landed(hub: Hub, repo: str, head: str, tagged: Mapping[Version, str]) -> dict[Version, str]:
    """Return the versions without a tag whose commits are newer than the last that has one.

    A title alone proves nothing: a commit counts where it holds a whole release of that version.
    """
    found: dict[Version, str] = {}
    for commit, title in history(hub, repo, head):
        if commit in tagged.values():
            break
        version = version_of_title(title)
        if version is None or version in tagged or version in found:
            continue
        if is_release(hub, repo, commit, version):
            found[version] = commit
        else:
            hub.watch.tell(f"{commit[:7]} is called {title!r} and is no whole release: left aside")
    return found
