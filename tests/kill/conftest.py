import pytest

from tests.kill.rig import Rig, contents


@pytest.fixture
def rig(tmp_path):
    """Builds in processes of their own; those that still run are ended after the test."""
    rig = Rig(tmp_path / "mine")
    yield rig
    rig.end()


@pytest.fixture(scope="session")
def unkilled(tmp_path_factory):
    """The release of a run that nobody disturbed, by its overrides."""
    made = {}

    def release(*overrides):
        if overrides not in made:
            rig = Rig(tmp_path_factory.mktemp("unkilled"), delay=0)
            made[overrides] = contents(rig.finish(*overrides))
        return made[overrides]

    return release
