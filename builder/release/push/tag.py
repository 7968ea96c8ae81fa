"""The tag of a version: put on a commit once, and never moved."""

from __future__ import annotations

from builder.release.push.hub import Hub
from builder.release.push.refusals import ConflictError, PublishError
from builder.release.push.remote import KIND, Remote
from builder.release.push.version import Version


def tag(hub: Hub, repo: str, version: Version, commit: str) -> None:
    """Put the tag of a version on a commit; one that stands there is fine.

    A tag that exists already is a conflict for the Hub whatever it stands on, and so is one whose
    answer was lost: what counts is where it stands. Raises `PublishError` where that is elsewhere.
    """
    hub.watch.state = f"{repo} holds the release as a whole; its tag {version.tag} may be missing"
    try:
        hub.ask(
            f"tag {version.tag} of {repo}",
            lambda: hub.api.create_tag(repo, tag=version.tag, revision=commit, repo_type=KIND),
        )
    except ConflictError:
        hub.watch.tell(f"{version.tag} is there already")
    found = hub.ask(
        f"read {version.tag} of {repo}", lambda: hub.api.dataset_info(repo, revision=version.tag)
    ).sha
    if found != commit:
        raise PublishError(
            f"{version.tag} of {repo} stands on {str(found)[:7]}, and this release is "
            f"{commit[:7]}; a tag is never moved",
            mend="Run the same command again: it takes the next version.",
        )


def tag_landed(hub: Hub, remote: Remote) -> None:
    """Give those releases their tags whose makers were stopped before. Raises `PublishError`."""
    for version, commit in sorted(remote.landed.items()):
        hub.watch.tell(f"{version.tag} was committed and has no tag yet: putting it")
        tag(hub, remote.repo, version, commit)
