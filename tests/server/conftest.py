import pytest

from builder.errors import MagpieError
from builder.server.client import connect
from tests.server.image import base_image
from tests.server.stage import Stage


@pytest.fixture(scope="session")
def container_engine():
    """The engine that runs containers here."""
    try:
        engine = connect()
    except MagpieError as error:
        pytest.skip(f"no engine for containers: {error.message}")
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def tgi_image(container_engine):
    """The name of an image that speaks TGI's protocol."""
    return base_image(container_engine)


@pytest.fixture
def stage(container_engine, tgi_image, tmp_path, monkeypatch):
    """A run and its servers, apart from those of all other tests; none of them is left over."""
    stage = Stage(container_engine, tgi_image, tmp_path)
    for name, value in stage.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", stage.environment["HF_HUB_CACHE"])
    left = stage.containers
    yield stage
    names = [container.name for container in left()]
    for container in left():
        container.remove(force=True)
    assert names == []
