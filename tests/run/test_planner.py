from builder.recipe.goal import Goal
from builder.run.course import Course
from builder.run.plan import Terms
from builder.run.planner import Planner
from builder.run.progress import Progress
from builder.run.spent import Spent


class Rehearsal:
    """A run without an engine: ten rows a second, every second one kept, 100 tokens a row."""

    def __init__(self, goal, terms=None, earlier=None):
        self.course = Course(goal)
        self.progress = Progress()
        self.progress.aim(goal.kept, goal.sampled, earlier)
        self.progress.in_flight = 4
        self.planner = Planner(self.course, terms or Terms())
        self.told = []

    def go(self, seconds, tokens=100):
        for _ in range(seconds):
            for row in range(10):
                self.course.take(kept=row % 2 == 0)
            self.progress.sampled += 10
            self.progress.seconds += 1.0
            before = self.progress.stages.get("instruct", {"tokens_out": 0})["tokens_out"]
            use = {"tokens_in": 0, "tokens_out": before + 10 * tokens}
            self.progress.stages = {"instruct": use}
            plan = self.planner.look(self.progress)
            if plan is not None:
                self.told.append((self.progress.sampled, plan))
        return self


def test_there_is_no_plan_before_the_pilot_is_over():
    run = Rehearsal(Goal(kept=1000)).go(9)
    assert (run.progress.plan, run.told) == (None, [])
    assert run.progress.seconds_left() is None
    run.go(1)
    assert [(rows, plan.rows, plan.tokens) for rows, plan in run.told] == [(100, 2000, 200_000)]
    assert run.progress.seconds_left() == 190.0


def test_a_plan_is_kept_up_to_date_and_told_again_when_it_has_changed():
    run = Rehearsal(Goal(kept=10_000)).go(30)
    assert len(run.told) == 1
    assert run.progress.plan.seconds_left == 1970.0
    run.go(20, tokens=1000)
    assert [rows for rows, _ in run.told] == [100, 310, 410]
    assert run.told[1][1].tokens > 1.2 * run.told[0][1].tokens
    assert run.progress.plan.tokens > run.told[-1][1].tokens


def test_what_earlier_starts_spent_is_in_the_plan():
    earlier = Spent(100.0, 200.0, 200.0, 0, 50_000)
    run = Rehearsal(Goal(kept=1000), Terms(gpus=2), earlier).go(10)
    ((_, plan),) = run.told
    assert (plan.tokens, plan.seconds) == (250_000, 300.0)
    assert plan.gpu_hours == round((200 + 2 * 200) / 3600, 4)


def test_a_run_that_is_over_plans_no_more():
    run = Rehearsal(Goal(kept=50))
    run.go(20)
    assert run.course.end == "target"
    assert [rows for rows, _ in run.told] == [30]
