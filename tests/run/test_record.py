import dataclasses
import json

import pytest

from builder.errors import RunChangedError, RunError
from builder.run.offer import offer, rows_a_shard
from builder.run.record import fingerprint, installed_versions, read_record, refuse_change
from tests.run.runs import begun, resolved, sampled

CHANGES = {
    "seed=2": "  seed: 1 -> 2",
    "instruction.max_tokens=65": "  instruction.max_tokens: 64 -> 65",
    "instruction.stop_at_newline=true": "  instruction.stop_at_newline: False -> True",
    "response.temperature=0.5": "  response.temperature: 0.0 -> 0.5",
    "model.id=org/other": "  model.id: 'org/tiny' -> 'org/other'",
    "model.revision=v2": "  model.revision: 'main' -> 'v2'",
    "template.pre_query=<user>": (
        "  derived.pre_query: '<u>' -> '<user>'\n  template.pre_query: '<u>' -> '<user>'"
    ),
    "instruction.sweep=[{temperature: 1.0}]": (
        "  instruction.sweep.1.temperature: 1.2 -> None\n"
        "  instruction.sweep.1.top_p: 0.9 -> None\n"
        "  instruction.sweep.1.weight: 2.0 -> None"
    ),
}


@pytest.mark.parametrize(("change", "said"), CHANGES.items(), ids=CHANGES)
def test_what_shapes_rows_may_not_change(tmp_path, change, said):
    run, _ = sampled(tmp_path)
    before = run.record_path.read_bytes()
    with pytest.raises(RunChangedError) as caught, run.lock():
        run.begin(offer(resolved(tmp_path, change)))
    assert caught.value.message == (
        f"the rows in {run.path} were sampled from another recipe; since then changed\n{said}"
    )
    assert caught.value.mend == (
        "Build the changed recipe into another directory (--run DIR), or undo the change."
    )
    assert caught.value.exit_status == 2
    assert run.record_path.read_bytes() == before


def test_another_engine_is_another_shape(tmp_path):
    run, _ = sampled(tmp_path)
    with pytest.raises(RunChangedError, match=r"  engine.kind: 'scripted' -> 'tgi'"), run.lock():
        run.begin(offer(resolved(tmp_path, "engine.kind=tgi", "engine.endpoint=http://a:1")))


@pytest.mark.parametrize(
    "change",
    [
        "target.kept=7",
        "rules.instruction.long=instruction_length > 3",
        "rules.response={whole: finish_reason = 'stop'}",
        "select.longest=5",
        "respond=all",
        "engine.concurrency=3",
        "engine.delay=0.5",
        "summary=Another sentence.",
        "version=2.0.0",
    ],
)
def test_what_does_not_shape_rows_may_change(tmp_path, change):
    run, old = sampled(tmp_path)
    with run.lock():
        new = run.begin(offer(resolved(tmp_path, change)))
    assert new.fingerprint == old.fingerprint
    assert new.source.overrides == (change,)
    assert run.record() == new


def test_a_run_without_a_row_may_become_another(tmp_path):
    run, old = begun(tmp_path)
    run.shards(old).shard(0).open_journal("instruct").close()
    with run.lock():
        new = run.begin(offer(resolved(tmp_path, "seed=2", "target.kept=8000")))
    assert new.fingerprint != old.fingerprint
    assert (old.rows_a_shard, new.rows_a_shard) == (32, 1000)


def test_what_is_fixed_for_ever_is_taken_from_the_run_that_stands(tmp_path):
    run, old = sampled(tmp_path)
    stored = json.loads(run.record_path.read_text())
    stored["versions"] = {"python": "3.0"}
    run.record_path.write_text(json.dumps(stored))
    with run.lock():
        new = run.begin(offer(resolved(tmp_path, "target.kept=100000")))
    assert old.rows_a_shard == 32
    assert new.rows_a_shard == 32
    assert new.versions == {"python": "3.0"}


def test_the_record_is_read_as_it_was_written(tmp_path):
    run, record = sampled(tmp_path, "seed=5")
    assert read_record(run.record_path) == json_round_trip(record)
    assert record.fingerprint == fingerprint(record.shape)
    assert record.versions == installed_versions()
    assert record.recipe["seed"] == 5


def json_round_trip(record):
    """Tuples become lists in JSON."""
    plain = json.loads(json.dumps(dataclasses.asdict(record)))
    return dataclasses.replace(record, **plain | {"source": record.source})


def test_a_fingerprint_is_the_same_in_any_order_of_keys_for_ever():
    pinned = "4e7ff4080b1a00acdaf71eb0cdf2d504aa8068bbb375c002eac2df3f064047a7"
    assert fingerprint({"b": 1, "a": "ü"}) == fingerprint({"a": "ü", "b": 1}) == pinned


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"source": {"recipe": "x"}}'])
def test_a_record_that_makes_no_sense_is_an_error(tmp_path, content):
    run, _ = sampled(tmp_path)
    run.record_path.write_text(content)
    with pytest.raises(RunError) as caught:
        run.record()
    assert caught.value.message.startswith(f"{run.record_path} cannot be read: ")
    assert caught.value.mend == "Build into another directory: --run DIR"


def test_a_record_of_another_format_is_refused(tmp_path):
    run, _ = sampled(tmp_path)
    stored = json.loads(run.record_path.read_text()) | {"format": 9}
    run.record_path.write_text(json.dumps(stored))
    with pytest.raises(RunError) as caught:
        run.record()
    assert caught.value.message == f"{run.record_path} has format 9; this version reads 1"


def test_refusing_says_nothing_of_equal_shapes(tmp_path):
    _, record = sampled(tmp_path)
    refuse_change(record, record.shape, tmp_path)


@pytest.mark.parametrize(
    ("target", "rows"), [(1, 32), (100, 32), (800, 100), (8000, 1000), (300_000, 1000)]
)
def test_a_small_target_has_small_shards(tmp_path, target, rows):
    assert rows_a_shard(resolved(tmp_path, f"target.kept={target}").recipe.target) == rows
