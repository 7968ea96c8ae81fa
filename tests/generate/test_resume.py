import pytest

from builder.generate.resume import Recall
from builder.generate.sampling import row_seed
from tests.generate.bench import TEMPLATE, Bench, WatchedEngine, recipe

LONG = {"instruction": {"long": "instruction_length > 100"}}
ANY = {"instruction": {"long": "instruction_length > 3"}}


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path / "run")


@pytest.fixture
def other(tmp_path):
    return Bench(tmp_path / "other")


def copy_rows(source, target, rows):
    """Write these rows of one run, as they are, into the journals of another."""
    for stage in ("instruct", "respond"):
        for shard in source.shards:
            for record in shard.stage(stage).iter_rows(named=True):
                if record["row"] in rows:
                    with target.shards.of_row(record["row"]).open_journal(stage) as journal:
                        journal.append(record)


def test_nothing_is_asked_of_a_run_that_is_done(bench):
    bench.sample(recipe())
    before = bench.rows()
    never = WatchedEngine()
    bench.sample(recipe(), never)
    assert (bench.asked, never.closed, bench.rows()) == ([], 0, before)


def test_holes_are_filled_first_and_in_their_order(bench, other):
    other.sample(recipe(respond="all"))
    copy_rows(other, bench, {0, 2, 5, 17})
    bench.sample(recipe(respond="all"), WatchedEngine(slots=1))
    order = [seed for prompt, seed in bench.asked if prompt == "<u>"]
    holes = [row for row in range(17) if row not in (0, 2, 5)]
    assert order == [row_seed(7, row, "instruct") for row in (*holes, *range(18, 40))]
    assert bench.rows() == other.rows()


def test_an_instruction_without_its_response_is_only_answered(bench, other):
    other.sample(recipe(respond="all"))
    copy_rows(other, bench, {0, 1, 2})
    shard = bench.shards.shard(0)
    shard.journal_path("respond").unlink()
    bench.sample(recipe(respond="all", target={"sampled": 3}))
    texts = other.column("instruction")
    assert sorted(bench.asked) == sorted(
        (TEMPLATE.response_prompt(texts[row]), row_seed(7, row, "respond")) for row in range(3)
    )
    assert bench.rows() == other.rows()[:3]


def test_looser_rules_have_rows_answered_that_were_dropped(bench, other):
    bench.sample(recipe(rules=LONG))
    instructions = bench.column("instruction")
    answered = {row for row, text in bench.column("response").items() if text is not None}
    bench.sample(recipe(rules=ANY))
    assert [prompt for prompt, _ in bench.asked if prompt == "<u>"] == []
    other.sample(recipe(rules=ANY))
    assert bench.rows() == other.rows()
    assert bench.column("instruction") == instructions
    now = {row for row, text in bench.column("response").items() if text is not None}
    assert len(bench.asked) == len(now - answered) > 0


def test_tighter_rules_ask_for_nothing_that_is_there(bench):
    bench.sample(recipe(rules=ANY))
    before = bench.rows()
    bench.sample(recipe(rules=LONG))
    assert (bench.asked, bench.rows()) == ([], before)


def test_a_target_of_kept_rows_goes_on_after_tighter_rules(bench, other):
    tight = recipe(rules=LONG, target={"kept": 10})
    bench.sample(recipe(rules=ANY, target={"kept": 10}))
    some = bench.rows()
    bench.sample(tight)
    other.sample(tight)
    assert len(bench.rows()) > len(some)
    assert bench.released(tight).equals(other.released(tight))


def test_to_all_after_to_survivors_answers_the_rest(bench, other):
    bench.sample(recipe(rules=LONG))
    bench.sample(recipe(rules=LONG, respond="all"))
    other.sample(recipe(rules=LONG, respond="all"))
    assert bench.rows() == other.rows()
    assert None not in bench.column("response").values()


def test_a_larger_target_goes_on_where_the_smaller_ended(bench, other):
    bench.sample(recipe(target={"sampled": 11}))
    bench.sample(recipe(target={"sampled": 40}))
    other.sample(recipe(target={"sampled": 40}))
    assert bench.rows() == other.rows()


def test_a_smaller_target_needs_nothing(bench):
    bench.sample(recipe(target={"sampled": 20}))
    bench.sample(recipe(target={"sampled": 5}))
    assert bench.asked == []


def test_a_complete_shard_is_told_once_however_often_a_run_resumes(bench):
    for sampled in (11, 20, 40):
        bench.sample(recipe(target={"sampled": sampled}))
    complete = [details["shard"] for event, details in bench.events if event == "shard-complete"]
    assert complete == [0, 1, 2, 3, 4]


def test_a_given_up_row_is_not_asked_again(bench):
    record = {"row": 0, "uuid": "u", "temperature": 1.0, "top_p": 1.0, "seed": 1}
    with bench.shards.shard(0).open_journal("instruct") as journal:
        journal.append(record | {"instruction_error": "too long"})
    bench.sample(recipe(respond="all", target={"sampled": 2}))
    assert row_seed(7, 0, "instruct") not in [seed for _, seed in bench.asked]
    assert bench.column("response")[0] is None


def test_instructions_are_recalled_a_shard_at_a_time(bench):
    bench.sample(recipe())
    recall = Recall(bench.shards)
    texts = bench.column("instruction")
    assert {row: recall(row, False)["instruction"] for row in range(40)} == texts
    assert list(recall._rows) == list(range(32, 40))
    assert recall(1000, False) is None
