"""What `magpie publish` asks for, and what happens when a person stops it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from builder.cli.build_words import this_command
from builder.cli.output import Output
from builder.cli.publish_view import plan_block, published_words, watching
from builder.errors import InterruptedRunError, RunError, UsageError
from builder.release.copy import copy_release
from builder.release.push.account import token_of_login
from builder.release.push.hub import Hub, Watch
from builder.release.push.local import faults_told, read_release
from builder.release.push.publish import dry_run, publish
from builder.release.push.ready import Order
from builder.run.directory import RunDirectory

EVENT = "published"
"""What events.jsonl calls a release that was read back from the Hub."""


HUB: Final = "hf://datasets/"
"""How a repository is written where ORG/NAME alone could be a folder."""


def repository_of(to: str) -> str | None:
    """Return the ORG/NAME that `--to` means; None where it means a folder.

    Raises `UsageError` where it could be both: one of them may be the public.
    """
    if to.startswith(HUB):
        return to.removeprefix(HUB)
    if "://" in to:
        raise UsageError(
            f"--to {to} is an address", mend=f"Write ORG/NAME, or {HUB}ORG/NAME, or ./DIR."
        )
    if to.count("/") != 1 or to.startswith((".", "/", "~")):
        return None
    if Path(to).parent.is_dir():
        raise UsageError(
            f"--to {to} could be a repository or a folder: {Path(to).parent} is here",
            mend=f"Write --to {HUB}{to} or --to ./{to}",
        )
    return to


def publish_to(
    to: str | None, run: RunDirectory, release: Path, output: Output, **asked: Any
) -> None:
    """Publish to a repository or into a folder. `asked` are the options for a repository.

    Raises `UsageError` for options that do not go together.
    """
    if to == "":
        raise UsageError("--to is empty", mend="Write --to ORG/NAME, or --to ./DIR for a folder.")
    repo = _named(release) if to is None else repository_of(to)
    if repo is None:
        _copy(str(to), release, output, asked)
        return
    order = Order(release, repo, asked["private"], asked["version"])
    if asked["dry_run"]:
        show_plan(order, output)
    else:
        push(run, order, output)


def _named(release: Path) -> str:
    """The repository that the recipe names."""
    named = read_release(release).repo
    if named is None:
        raise UsageError(
            "the recipe names no repository, so publishing needs one",
            mend="Write --to ORG/NAME, or --to ./DIR for a folder.",
        )
    return named


def _copy(to: str, release: Path, output: Output, asked: Mapping[str, Any]) -> None:
    given = [name for name, value in asked.items() if value not in (None, False)]
    if given:
        raise UsageError(
            f"--{given[0].replace('_', '-')} is for a repository on the Hub, and --to {to} is a "
            "folder",
            mend="Write --to ORG/NAME, or leave it out.",
        )
    wrong = faults_told(read_release(release))
    if wrong:
        raise RunError(f"{release} is not published: {wrong}")
    splits = copy_release(release, Path(to))
    output.say(f"Published to {to}: split {', '.join(splits)}")
    output.document({"to": to, "splits": splits})


def show_plan(order: Order, output: Output) -> None:
    """Print what publishing would do; nothing is sent."""
    watch = Watch(tell=output.say)
    plan = dry_run(Hub(token_of_login(), watch), order)
    output.say(*plan_block(plan, card=True))
    output.document({"to": order.repo, "dry_run": True, "plan": plan.to_json()})


def push(run: RunDirectory, order: Order, output: Output) -> None:
    """Publish to the Hub, and note it in the run once it was read back."""
    with watching(output) as watch, _resumable(watch):
        hub = Hub(token_of_login(), watch)
        done = publish(
            hub, order, lambda plan: output.say(*plan_block(plan)), _known(run, hub), run.path
        )
    if done.rows:
        run.note(
            EVENT,
            endpoint=hub.endpoint,
            repo=order.repo,
            version=str(done.plan.version),
            commit=done.commit,
            split=done.plan.split,
        )
    output.say(*published_words(done))
    output.document({"to": order.repo, **done.to_json()})


def _known(run: RunDirectory, hub: Hub) -> Callable[[str], bool]:
    """Tell of a commit whether this run's release was read back from it before."""
    events = (event for event in run.events() if event["event"] == EVENT)
    known = {event["commit"] for event in events if event["endpoint"] == hub.endpoint}
    return known.__contains__


@contextlib.contextmanager
def _resumable(watch: Watch) -> Iterator[None]:
    """Turn Ctrl-C into an error that says what the repository holds, and how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        raise InterruptedRunError(
            f"stopped: {watch.state}", mend=f"To go on: {this_command()}"
        ) from None
