"""A data set on the Hugging Face Hub: its files by name, at one commit, by way of the cache.

The cache of huggingface_hub 2.4 keeps the list of files beside the files of a commit. So what has
been read once is read again offline, and a download that was cut short is known to be one.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Final

from builder.errors import StorageError, UsageError
from builder.recipe.peek import first_or_last

_KIND: Final = "dataset"

_EMPTY: Final = 416
"""What a server answers to a part of a file that has no bytes (RFC 9110, 15.5.17)."""


@dataclass(frozen=True, slots=True)
class HubDataset:
    """A data set at a commit: the paths of its files within it."""

    name: str
    commit: str
    files: tuple[str, ...]

    @classmethod
    def at(cls, name: str, revision: str) -> HubDataset:
        """Resolve a branch, a tag or a commit, and list its files. Only the card is fetched.

        Out of reach of the Hub it is the commit that the cache holds for `revision`. Raises
        `UsageError` where there is no such data set or revision, or no access to it.
        """
        from huggingface_hub import get_cached_repo_tree  # slow to import

        commit = _download(name, revision, ["README.md"]).name
        with _explained(name, revision):
            tree = get_cached_repo_tree(name, repo_type=_KIND, revision=commit)
        return cls(name, commit, tuple(file.path for file in tree))

    def fetch(self, files: Sequence[str]) -> tuple[Path, ...]:
        """Return where these files lie in the cache, downloaded if need be. Raises as `at`."""
        folder = _download(self.name, self.commit, files)
        return tuple(folder / file for file in files)

    def part(self, file: str, number: int) -> bytes:
        """Return so many bytes of a file, at most: its first ones, its last where it is negative.

        They are read from the cache where it holds the file. Raises as `at`.
        """
        from huggingface_hub import try_to_load_from_cache

        known = try_to_load_from_cache(self.name, file, revision=self.commit, repo_type=_KIND)
        if isinstance(known, str):
            return first_or_last(Path(known))(number)
        return _asked(self.name, self.commit, file, number)


def _download(name: str, revision: str, files: Sequence[str]) -> Path:
    """Return the folder of the commit in the cache, with those of the files that it has."""
    from huggingface_hub import snapshot_download

    # Its warnings of each retry would bury our one message.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    patterns = [escape(file) for file in files]
    with _explained(name, revision):
        folder = snapshot_download(
            name, repo_type=_KIND, revision=revision, allow_patterns=patterns
        )
        return Path(folder)


def _asked(name: str, commit: str, file: str, number: int) -> bytes:
    """Ask the Hub for a part of a file; a server that sends all of it is cut short."""
    import httpx2
    from huggingface_hub import errors, get_session, hf_hub_url, hf_raise_for_status
    from huggingface_hub.utils._headers import build_hf_headers

    url = hf_hub_url(name, file, repo_type=_KIND, revision=commit)
    wanted = f"bytes=0-{number - 1}" if number > 0 else f"bytes={number}"
    headers = {**build_hf_headers(), "Range": wanted, "Accept-Encoding": "identity"}
    found = b""
    with _explained(name, commit):
        try:
            asked = get_session().stream("GET", url, headers=headers, follow_redirects=True)
            with asked as answer:
                if answer.status_code == _EMPTY:
                    return b""
                if answer.is_error:
                    answer.read()  # it says why
                hf_raise_for_status(answer)
                for piece in answer.iter_bytes():
                    found = (found + piece)[number:] if number < 0 else found + piece
                    if len(found) >= number > 0:
                        break
        except (httpx2.TransportError, errors.OfflineModeIsEnabled) as error:
            raise errors.LocalEntryNotFoundError(str(error)) from error
    return found[:number] if number > 0 else found


@contextmanager
def _explained(name: str, revision: str) -> Iterator[None]:
    """Raise what the Hub or the cache refuses as `UsageError`, a full disk as `StorageError`."""
    from huggingface_hub import errors

    page = f"https://huggingface.co/datasets/{name}"
    try:
        yield
    except errors.GatedRepoError as error:
        raise UsageError(
            f"the data set {name} is gated, and this token has no access to it",
            mend=f"ask for access at {page}, then set HF_TOKEN or run `hf auth login`",
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise UsageError(
            f"there is no data set {name} on the Hub, or it is private",
            mend="mend the name; for a private data set set HF_TOKEN or run `hf auth login`",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise UsageError(
            f"the data set {name} has no revision {revision}", mend=f"see {page}/commits"
        ) from error
    except (errors.LocalEntryNotFoundError, errors.CachedRepoTreeNotFoundError) as error:
        raise UsageError(
            f"the Hub cannot be reached, and the cache does not hold all of the data set {name}",
            mend="connect to the network, unset HF_HUB_OFFLINE, or give a folder with its files",
        ) from error
    except errors.HfHubHTTPError as error:
        raise UsageError(
            f"the Hub refused the data set {name}: {str(error).splitlines()[0]}",
            mend="try again; if it stays, check HF_TOKEN and HF_ENDPOINT",
        ) from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            raise
        raise StorageError(
            f"the data set {name} cannot be stored: {error.strerror}",
            mend="make room, or set HF_HOME to a folder on another disk",
        ) from error
