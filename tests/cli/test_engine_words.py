import pytest

from builder.cli.engine_words import away_words, idle_words, live_words, retry_words
from builder.run.progress import Progress


@pytest.mark.parametrize(
    ("servers", "words"),
    [(0, "engine idle 1.2 %"), (1, "server idle 1.2 %"), (2, "servers idle 1.2 %")],
)
def test_idle_is_said_of_what_there_is(servers, words):
    assert idle_words(0.0123, servers) == words


@pytest.mark.parametrize(
    ("away", "servers", "words"),
    [
        (0, 2, ""),
        (1, 2, "1 of 2 servers away"),
        (1, 1, "server away"),
        (1, 0, "engine starts anew"),
    ],
)
def test_who_is_away(away, servers, words):
    assert away_words(away, servers) == words


def test_the_most_frequent_reason_comes_first():
    retries = {"stalled": 2, "429 overloaded": 1234, "generation failed": 2}
    assert retry_words(retries) == "429 overloaded 1,234, generation failed 2, stalled 2"
    assert retry_words({}) == ""


def test_the_line_of_the_engine():
    progress = Progress(phase="sampling", in_flight=64, idle_share=0.0123, servers=1)
    assert list(live_words(progress)) == ["64 in flight", "server idle 1.2 %"]
    progress.away, progress.retries = 1, {"server away": 3}
    assert list(live_words(progress))[2:] == ["server away", "asked again: server away 3"]
    progress.phase = "selecting"
    assert list(live_words(progress)) == []
