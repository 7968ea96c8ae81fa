import contextlib
import uuid

import pytest
from docker.errors import ImageNotFound

from builder.errors import ServerError
from builder.server.image import Image, PullProgress, ensure_image, pull_error, repository
from tests.server.registry import registry


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("tgi", "tgi"),
        ("tgi:3.3.5", "tgi"),
        ("ghcr.io/org/tgi:3.3.5", "ghcr.io/org/tgi"),
        ("ghcr.io/org/tgi@sha256:abc", "ghcr.io/org/tgi"),
        ("ghcr.io/org/tgi:3@sha256:abc", "ghcr.io/org/tgi"),
        ("localhost:5000/tgi", "localhost:5000/tgi"),
        ("localhost:5000/tgi:3", "localhost:5000/tgi"),
    ],
)
def test_the_name_without_tag_and_digest(reference, name):
    assert repository(reference) == name


def test_the_progress_of_a_pull():
    progress = PullProgress("tgi:3")
    megabyte = 10**6
    said = [
        progress.add(event)
        for event in (
            {"status": "Pulling from org/tgi", "id": "3"},
            {"status": "Already exists", "id": "a"},
            {"status": "Pulling fs layer", "id": "b"},
            {"status": "Waiting", "id": "c"},
            {"status": "Downloading", "id": "b", "progressDetail": {"current": megabyte,
             "total": 5 * megabyte}},
            {"status": "Downloading", "id": "c", "progressDetail": {"current": 2 * megabyte,
             "total": 1500 * megabyte}},
            {"status": "Download complete", "id": "b", "progressDetail": {}},
            {"status": "Pull complete", "id": "b"},
            {"status": "Status: Downloaded newer image for tgi:3"},
        )
    ]  # fmt: skip
    assert said == [
        "pulling tgi:3",
        "pulling tgi:3: 1 of 1 layers",
        "pulling tgi:3: 1 of 2 layers",
        "pulling tgi:3: 1 of 3 layers",
        "pulling tgi:3: 1 of 3 layers, 1 of 5 MB",
        "pulling tgi:3: 1 of 3 layers, 3 of 1,505 MB",
        "pulling tgi:3: 1 of 3 layers, 7 of 1,505 MB",
        "pulling tgi:3: 2 of 3 layers, 7 of 1,505 MB",
        "pulling tgi:3: 2 of 3 layers, 7 of 1,505 MB",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("manifest for ghcr.io/org/tgi:9 not found: manifest unknown: manifest unknown",
         "the registry has no such tag or digest"),
        ("pull access denied for no/such, repository does not exist or may require 'docker login'",
         "the registry has no image of this name, or it needs a login"),
        ("Head \"https://ghcr.io/v2/org/tgi/manifests/3\": denied",
         "the registry has no image of this name, or it needs a login"),
        ("unauthorized: authentication required",
         "the registry has no image of this name, or it needs a login"),
        ("Get \"https://ghcr.io/v2/\": dial tcp: lookup ghcr.io: no such host",
         "the registry cannot be reached"),
        ("Get \"https://ghcr.io/v2/\": net/http: TLS handshake timeout",
         "the registry cannot be reached"),
        ("failed to register layer: write /x: no space left on device", "the disk is full"),
        ("toomanyrequests: You have reached your pull rate limit.",
         "the registry has had too many requests from here"),
    ],
)  # fmt: skip
def test_a_failed_pull_in_plain_words(text, reason):
    error = pull_error("tgi:3", text)
    assert error.message == f"the image tgi:3 cannot be pulled: {reason} ({text})"
    assert error.mend


def test_a_pull_that_fails_for_an_unknown_reason():
    assert pull_error("tgi:3", "moon").message == "the image tgi:3 cannot be pulled: moon"


@pytest.mark.docker
def test_an_image_that_is_here_is_not_pulled(container_engine, tgi_image):
    told = []
    image = ensure_image(container_engine, tgi_image, told.append)
    assert told == []
    assert image.id.startswith("sha256:")
    assert image.environment["HF_HOME"] == "/data"
    assert image == Image(tgi_image, image.id, None, image.environment)


@pytest.mark.docker
def test_a_pinned_digest_is_asked_for_unless_the_recipe_names_another_image(
    container_engine, tgi_image
):
    name = "127.0.0.1:9/org/tgi"
    pinned = f"{name}@sha256:{'0' * 64}"
    with pytest.raises(ServerError, match=f"the image {pinned} cannot be pulled"):
        ensure_image(container_engine, f"{name}:3", lambda _: None, pinned)
    assert ensure_image(container_engine, tgi_image, lambda _: None, pinned).reference == tgi_image


@pytest.fixture
def shop(container_engine):
    """A registry with an image that no engine has seen; its image is gone from here after."""
    with registry(uuid.uuid4().hex) as shop:
        yield shop
        for name in (f"{shop.name}:1", f"{shop.name}@{shop.digest}"):
            with contextlib.suppress(ImageNotFound):
                container_engine.client.images.remove(name, force=True)


@pytest.mark.docker
def test_an_image_is_pulled_with_progress_and_told_by_its_digest(container_engine, shop):
    told = []
    image = ensure_image(container_engine, f"{shop.name}:1", told.append)
    assert image.digest == f"{shop.name}@{shop.digest}"
    assert image.reference == f"{shop.name}:1"
    assert image.environment == {"KIND": "test"}
    assert told[0] == f"pulling {shop.name}:1"
    assert f"pulling {shop.name}:1: 1 of 1 layers, 3 of 3 MB" in told
    again = []
    assert ensure_image(container_engine, f"{shop.name}:1", again.append) == image
    assert again == []


@pytest.mark.docker
def test_a_pinned_digest_is_pulled_even_where_the_tag_has_moved(container_engine, shop):
    pinned = f"{shop.name}@{shop.digest}"
    image = ensure_image(container_engine, f"{shop.name}:moved", lambda _: None, pinned)
    assert image.digest == pinned
    assert image.reference == f"{shop.name}:moved"
    assert not any(path.endswith("/moved") for path in shop.asked)


@pytest.mark.docker
def test_a_tag_that_the_registry_lacks(container_engine, shop):
    with pytest.raises(ServerError, match="the registry has no such tag or digest"):
        ensure_image(container_engine, f"{shop.name}:2", lambda _: None)


@pytest.mark.docker
def test_ctrl_c_ends_a_pull(container_engine, shop):
    shop.gate.clear()

    def tell(words):
        if words.endswith(" MB"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ensure_image(container_engine, f"{shop.name}:1", tell)
    shop.gate.set()
    with pytest.raises(ImageNotFound):
        container_engine.client.images.get(f"{shop.name}:1")
