import pytest


@pytest.fixture(autouse=True)
def stock_client_speaks_to_servers_here(monkeypatch):
    """In its offline mode huggingface_hub's own client refuses servers of this machine, too."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
