"""What the real clients have to be told to speak to a Hub here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from tests.servers.hub.server import Hub


def environment(hub: Hub, home: Path, token: str | None = None) -> dict[str, str]:
    """Variables for a process of its own, with a cache of its own under `home`."""
    told = {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "0" if hub.xet else "1",
        # Its own waiting between two tries begins with 3 s.
        "HF_XET_CLIENT_RETRY_BASE_DELAY": "10ms",
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        # datasets counts its loads at amazonaws.com otherwise.
        "HF_UPDATE_DOWNLOAD_COUNTS": "0",
    }
    return told | {"HF_TOKEN": token or ""}


def point_here(
    monkeypatch: pytest.MonkeyPatch, hub: Hub, home: Path, token: str | None = None
) -> None:
    """The same for this process, in which huggingface_hub has read its variables already."""
    from huggingface_hub import constants
    from huggingface_hub.utils import _xet

    template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(home / "token"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", hub.xet is None)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    for name, value in environment(hub, home, token).items():
        monkeypatch.setenv(name, value)
    if hub.xet:  # a session keeps what it read of the variables when it began
        monkeypatch.setattr(_xet, "_GLOBAL_XET_HOLDER", _xet.XetSessionHolder())
