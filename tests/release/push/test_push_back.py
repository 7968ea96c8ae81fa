import pytest

pytestmark = pytest.mark.slow


def test_read_back(reading_back, made, seen, hub):
    done = reading_back(made("pro"))
    assert done.rows == {"filtered": {"pro": 6}, "raw": {"pro": 6}}
    mark = hub.log.mark()
    done = reading_back(made("air", 4))
    print([a.line for a in hub.log.since(mark)])
    assert done.rows == {"filtered": {"air": 4, "pro": 6}, "raw": {"air": 4, "pro": 6}}
    assert 0
