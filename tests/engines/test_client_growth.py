"""When one more client process pays: the decision, with clocks of its own."""

from builder.engines.clients.growth import Growth, GrowthRule


class Thread:
    """A thread that uses a share of a core."""

    def __init__(self, share):
        self.share = share
        self.used = 100.0

    def cpu(self):
        return self.used


class World:
    """Time that goes on a second a look."""

    def __init__(self, here, most=2):
        self.now = 0.0
        self.threads = [Thread(here)]
        self.growth = Growth(GrowthRule(most), self.threads[0].cpu, lambda: self.now)

    def join(self, share):
        self.threads.append(Thread(share))
        self.growth.joined(self.threads[-1].cpu)

    def looks(self, seconds, *, busy=True):
        """The seconds, from 1, at which one more was wanted."""
        found = []
        for second in range(1, seconds + 1):
            self.now += 1.0
            for thread in self.threads:
                thread.used += thread.share
            if self.growth.look(busy=busy):
                found.append(second)
        return found


def test_a_thread_without_a_pause_is_too_busy_after_five_seconds():
    assert World(1.0).looks(7) == [5, 6, 7]


def test_only_a_share_above_the_limit_is_too_much():
    assert World(0.79).looks(1000) == []
    assert World(0.85).looks(10)[:1] == [9]


def test_a_short_peak_is_none():
    world = World(1.0)
    assert world.looks(3) == []
    world.threads[0].share = 0.5
    assert world.looks(60) == []


def test_work_without_requests_in_flight_does_not_count():
    world = World(1.0)
    assert world.looks(100, busy=False) == []
    assert world.looks(5) == [5]


def test_once_there_are_processes_they_decide_and_not_this_one():
    world = World(1.0)
    world.join(0.5)
    assert world.looks(100) == []
    world.threads[1].share = 1.0
    assert world.looks(10)[:1] == [3]


def test_all_processes_must_be_too_busy():
    world = World(0.1, most=3)
    world.join(1.0)
    assert world.looks(5) == [5]
    world.join(0.6)
    assert world.looks(100) == []


def test_there_are_never_more_than_there_may_be():
    world = World(1.0, most=1)
    assert not world.growth.full
    world.join(1.0)
    assert world.growth.full
    assert world.looks(100) == []
