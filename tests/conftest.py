"""What holds for all tests."""

import os


def pytest_xdist_auto_num_workers(config):
    """One more than there are cores: half of the time tests wait, for what they start or kill."""
    return (os.cpu_count() or 1) + 1
