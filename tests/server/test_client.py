import contextlib
import os
import socket
import sys

import pytest

from builder.errors import MissingExtraError, ServerError
from builder.server.client import addresses, connect


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No engine anywhere but where a test puts one."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


def test_the_order_of_the_places(nowhere):
    assert addresses() == [
        "unix:///var/run/docker.sock",
        f"unix://{nowhere}/docker.sock",
        f"unix://{nowhere}/podman/podman.sock",
        "unix:///run/podman/podman.sock",
    ]


def test_docker_host_is_the_only_place_where_it_is_set(nowhere, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{nowhere}/none.sock")
    with pytest.raises(ServerError) as caught:
        connect()
    assert caught.value.message == (
        f"no engine for containers answers (unix://{nowhere}/none.sock: not there)"
    )
    assert caught.value.mend.startswith("Start Docker (`sudo systemctl start docker`) or Podman")


def test_one_that_does_not_run_is_told_from_one_that_is_not_there(nowhere, monkeypatch):
    path = nowhere / "dead.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    with pytest.raises(ServerError, match=r"dead\.sock: not running \(Connection refused\)"):
        connect()


@contextlib.contextmanager
def as_nobody():
    """Root may use any socket: be somebody else for a moment."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_missing_right_has_a_mend_of_its_own(nowhere, monkeypatch):
    path = nowhere / "closed.sock"
    with socket.socket(socket.AF_UNIX) as closed:
        closed.bind(str(path))
        closed.listen()
        path.chmod(0)
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        with as_nobody(), pytest.raises(ServerError, match="permission denied") as caught:
            connect()
    assert "`sudo usermod -aG docker $USER`" in caught.value.mend


def test_an_engine_on_another_machine_is_refused(nowhere, monkeypatch):
    for address in ("tcp://10.1.2.3:2375", "ssh://me@there"):
        monkeypatch.setenv("DOCKER_HOST", address)
        with pytest.raises(ServerError, match="on another machine"):
            connect()


def test_something_else_behind_the_socket(nowhere, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
    with pytest.raises(ServerError, match=rf"tcp://127\.0\.0\.1:{port}: no answer \("):
        connect()


def test_without_the_package_the_install_line_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "docker", None)
    with pytest.raises(MissingExtraError) as caught:
        connect()
    assert caught.value.mend == "Run: pip install 'magpie-builder[serve]'"


@pytest.mark.docker
def test_an_engine_that_answers(container_engine):
    assert container_engine.version
    assert container_engine.address.startswith("unix://")
    again = container_engine.another()
    assert again.version == container_engine.version
    again.close()
