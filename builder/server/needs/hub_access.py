"""Whether the Hub gives us a model: the token, its access, the revision; and how large it is."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from builder.recipe.schema import ModelSpec
from builder.server.needs.finding import Finding
from builder.server.needs.hub_cache import (
    ModelFacts,
    cached_snapshot,
    folder_facts,
    model_cache,
    read_json,
    weight_files,
)

if TYPE_CHECKING:
    from huggingface_hub import HfApi

HUB_SECONDS: Final = 10.0
"""How long the Hub may take, when nothing else is missing."""

GATED_LICENSES: Final = ("llama", "gemma")
"""How the ids of licences begin whose models nobody gets without accepting them on the Hub."""

TOKEN: Final = "token"
ACCESS: Final = "access"
LOG_IN: Final = "export HF_TOKEN=..., or: hf auth login"


@dataclass(frozen=True)
class HubAnswer:
    """What was found about a model: its facts, and findings about token and access."""

    facts: ModelFacts
    findings: tuple[Finding, ...] = ()


def local_answer(model: ModelSpec, folder: Path | None) -> HubAnswer | None:
    """Answer without the Hub, where that can be done; None where the Hub has to be asked.

    So it is for a model in a folder, for one that the cache has whole, and with HF_HUB_OFFLINE.
    """
    if folder is not None:
        return HubAnswer(folder_facts(folder))
    from huggingface_hub import constants

    snapshot = cached_snapshot(model.id, model.revision)
    if snapshot is not None:
        found = f"not asked: the cache has all of {model.id} at {model.revision}"
        return HubAnswer(folder_facts(snapshot), (Finding(ACCESS, fine=True, found=found),))
    if not constants.HF_HUB_OFFLINE:
        return None
    found = f"HF_HUB_OFFLINE is set, and the cache lacks {model.id} at {model.revision}"
    mend = f"Unset HF_HUB_OFFLINE, or first: hf download {model.id} --revision {model.revision}"
    return HubAnswer(ModelFacts(), (Finding(ACCESS, fine=False, found=found, mend=mend),))


def token_finding(model: ModelSpec, gated: bool | None) -> Finding:
    """Say whether a token is there, and needed. `gated` is what the Hub says, None: it is silent.

    Then the licence tells: the models of Meta and Google are gated.
    """
    from huggingface_hub import get_token

    if get_token() is not None:
        return Finding(TOKEN, fine=True, found="a Hub token is set")
    wanted = model.license.startswith(GATED_LICENSES) if gated is None else gated
    if not wanted:
        open_to_all = "none is set" if gated is None else f"none is set, and {model.id} is open"
        return Finding(TOKEN, fine=True, found=open_to_all)
    found = f"no HF_TOKEN and no stored login, and {model.id} is gated"
    mend = f"Accept its licence at {_page(model)}, then {LOG_IN}"
    return Finding(TOKEN, fine=False, found=found, mend=mend)


def ask_hub(model: ModelSpec) -> HubAnswer:
    """Ask the Hub for a model's size, and whether our token may read it.

    Never raises for what the Hub says, or when it says nothing.
    """
    import httpx2
    from huggingface_hub import HfApi, errors

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    api = HfApi()
    try:
        info = api.model_info(
            model.id, revision=model.revision, files_metadata=True, timeout=HUB_SECONDS
        )
    except errors.HfHubHTTPError as error:
        access = _refusal(model, error)
        if type(error) is errors.HfHubHTTPError and error.response.status_code not in (401, 403):
            access = _access(model, gated=None)  # a mirror may have the files and not this question
        return HubAnswer(ModelFacts(), _with_token(model, access))
    except (httpx2.HTTPError, OSError, ValueError):
        return HubAnswer(ModelFacts(), _with_token(model, _silent(model)))
    gated = bool(info.gated)
    access = _access(model, gated)
    facts = _facts(api, model, info, fetch=access.fine)
    return HubAnswer(facts, (token_finding(model, gated), *_told(access, gated)))


def _access(model: ModelSpec, gated: bool | None) -> Finding:
    """Whether our token may read a model that is there: a file of it is asked for.

    `gated` is None where nobody told.
    """
    import httpx2
    from huggingface_hub import errors, get_hf_file_metadata, hf_hub_url

    at = f"{model.id} at {model.revision}"
    if gated is False:
        return Finding(ACCESS, fine=True, found=f"{at} is open to all")
    try:
        url = hf_hub_url(model.id, "config.json", revision=model.revision)
        get_hf_file_metadata(url, timeout=HUB_SECONDS)
    except errors.RemoteEntryNotFoundError:
        pass
    except errors.HfHubHTTPError as error:
        return _refusal(model, error)
    except (httpx2.HTTPError, OSError):
        return _silent(model)
    why = "which is gated" if gated else "as its files show"
    return Finding(ACCESS, fine=True, found=f"granted to {at}, {why}")


def _told(access: Finding, gated: bool) -> tuple[Finding, ...]:
    """Without a token, a gated model is refused as a matter of course: the token is the finding."""
    from huggingface_hub import get_token

    return () if gated and get_token() is None else (access,)


def _with_token(model: ModelSpec, access: Finding) -> tuple[Finding, ...]:
    return (token_finding(model, None), access)


def _refusal(model: ModelSpec, error: Any) -> Finding:
    """What an error of the Hub means. The library's errors are a tree: narrow ones come first."""
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        found = f"{model.id} is gated, and this token has no access to it"
        mend = f"Accept its licence at {_page(model)} with the account of the token"
    elif isinstance(error, errors.RepositoryNotFoundError):
        found = f"there is no model {model.id} on the Hub, or it is private"
        mend = f"Mend model.id; for a private model {LOG_IN}"
    elif isinstance(error, errors.RevisionNotFoundError):
        found = f"{model.id} has no revision {model.revision}"
        mend = f"See {_page(model)}/commits for those it has"
    elif error.response.status_code == 401:
        found = "the Hub does not know this token: it is wrong, or was revoked"
        mend = f"Make one at https://huggingface.co/settings/tokens, then {LOG_IN}"
    elif error.response.status_code == 403:
        found = f"this token may not read {model.id}"
        mend = "Give it the right to read gated models: https://huggingface.co/settings/tokens"
    else:
        found = f"the Hub answered {error.response.status_code} when asked for {model.id}"
        mend = "Try again; see https://status.huggingface.co"
    return Finding(ACCESS, fine=False, found=found, mend=mend)


def _silent(model: ModelSpec) -> Finding:
    from huggingface_hub import constants

    return silent(model, f"{constants.ENDPOINT} cannot be reached")


def silent(model: ModelSpec, why: str) -> Finding:
    """The finding for a model that is not in the cache while the Hub does not answer."""
    found = f"{why}, and the cache lacks {model.id} at {model.revision}"
    mend = "Connect to the network, or give a folder as model.id"
    return Finding(ACCESS, fine=False, found=found, mend=mend)


def _facts(api: HfApi, model: ModelSpec, info: Any, fetch: bool) -> ModelFacts:
    """What the Hub says of a model's size. Its config is fetched where we may `fetch` it."""
    files = {file.rfilename: file for file in info.siblings or ()}
    weights = [files[name] for name in weight_files(files)]
    blobs = model_cache(model.id) / "blobs"
    missing = [file for file in weights if not (file.lfs and (blobs / file.lfs.sha256).is_file())]
    stored = sum(file.size or 0 for file in weights)
    # TGI writes weights of PyTorch a second time, as safetensors.
    copies = 1 if all(file.rfilename.endswith(".safetensors") for file in weights) else 2
    return ModelFacts(
        config=_config(api, model, info.sha) if fetch else {},
        parameters=info.safetensors.total if info.safetensors else None,
        stored=stored or None,
        missing=copies * sum(file.size or 0 for file in missing) if stored else None,
    )


def _config(api: HfApi, model: ModelSpec, commit: str | None) -> dict[str, Any]:
    import httpx2
    from huggingface_hub import errors

    try:
        found = api.hf_hub_download(model.id, "config.json", revision=commit or model.revision)
    except (errors.EntryNotFoundError, httpx2.HTTPError, OSError, ValueError):
        return {}
    return read_json(Path(found))


def _page(model: ModelSpec) -> str:
    return f"https://huggingface.co/{model.id}"
