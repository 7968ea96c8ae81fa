"""Single files of a model on the Hugging Face Hub, and what may stand in the way of them.

TemplateError
├── GatedModelError      the model's licence has to be accepted first
├── UnknownModelError    no such model, or a private one
├── UnknownRevisionError no such branch, tag or commit
└── OfflineError         the Hub is out of reach and the files are not in the cache
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from builder.errors import TemplateError


class GatedModelError(TemplateError):
    """The model's licence has to be accepted first."""


class UnknownModelError(TemplateError):
    """There is no such model, or it is private."""


class UnknownRevisionError(TemplateError):
    """The model has no such branch, tag or commit."""


class OfflineError(TemplateError):
    """The Hub is out of reach, and the files are not in the cache."""


def hub_files(model_id: str, revision: str) -> tuple[Callable[[str], Path | None], str]:
    """Return a function that fetches files of a model by name, and the commit that it reads.

    The first file is asked for at `revision`; the cache puts it in a folder named by the commit,
    and all others are asked for at that commit, so they belong together. HF_TOKEN or the stored
    login is used by the library itself. Raises the errors of this module.
    """
    first = _download(model_id, "tokenizer_config.json", revision)
    if first is None:
        raise TemplateError(
            f"{model_id} has no tokenizer_config.json at {revision}",
            mend="name a chat model, or give template.pre_query in the recipe",
        )
    commit = first.parent.name

    def fetch(name: str) -> Path | None:
        return _download(model_id, name, commit)

    return fetch, commit


def _download(model_id: str, name: str, revision: str) -> Path | None:
    """Return where a file lies in the cache; None where the model has none of that name."""
    from huggingface_hub import errors, hf_hub_download  # slow to import

    # Its warnings of each retry would bury our one message.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    page = f"https://huggingface.co/{model_id}"
    try:
        return Path(hf_hub_download(model_id, name, revision=revision))
    except errors.GatedRepoError as error:
        raise GatedModelError(
            f"{model_id} is gated, and this token has no access to it",
            mend=f"accept its licence at {page}, then set HF_TOKEN or run `hf auth login`",
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise UnknownModelError(
            f"there is no model {model_id} on the Hub, or it is private",
            mend="mend model.id; for a private model set HF_TOKEN or run `hf auth login`",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise UnknownRevisionError(
            f"{model_id} has no revision {revision}", mend=f"see {page}/commits for those it has"
        ) from error
    except errors.LocalEntryNotFoundError as error:
        if _known_absent(model_id, name, revision):
            return None
        raise OfflineError(
            f"the Hub cannot be reached, and {name} of {model_id} is not in the cache",
            mend="connect to the network, or give a folder as model.id",
        ) from error
    except errors.EntryNotFoundError:
        return None
    except errors.HfHubHTTPError as error:
        raise OfflineError(
            f"the Hub refused {name} of {model_id}: {str(error).splitlines()[0]}",
            mend="try again; if it stays, check HF_TOKEN and HF_ENDPOINT",
        ) from error


def _known_absent(model_id: str, name: str, revision: str) -> bool:
    """Tell whether the cache remembers that the model has no such file.

    Without that memory a file that is not in the cache may exist, and the template would be
    derived from half of what the model says.
    """
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(model_id, name, revision=revision)
    return cached is not None and not isinstance(cached, str)
