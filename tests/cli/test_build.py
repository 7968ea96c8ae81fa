from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

FUNNEL = """\
funnel                      rows   share
────────────────────────────────────────
sampled                       60
  dropped: whole               7   11.7%
  dropped: long-enough         7   11.7%
  dropped: whole-response      6   10.0%
kept                          40   66.7%

Release: runs/tiny/release  (60 rows raw)

Look at it:
  magpie show runs/tiny
  python -c "import datasets; print(datasets.load_dataset('runs/tiny/release', 'filtered'))"
  magpie report runs/tiny
  less runs/tiny/release/README.md
"""


def test_a_build_ends_with_its_funnel_and_how_to_look_at_it(say):
    said = say("build", "tiny.yaml")
    assert said.status == 0
    assert said.err.splitlines()[20].startswith("Preflight: ")  # behind 20 samples
    assert [line.rstrip() for line in said.out.splitlines()] == FUNNEL.splitlines()


def test_json_is_one_document_on_stdout(say):
    said = say("build", "tiny.yaml", "--json")
    assert said.document["funnel"]["kept"] == 40
    assert said.document["release"] == "runs/tiny/release"
    assert said.document["split"] == "train"
    assert said.document["end"] == {
        "reason": "target",
        "missing": 0,
        "novelty": None,
        "short": [],
    }


def test_quiet_says_nothing(say):
    said = say("build", "tiny.yaml", "--quiet")
    assert (said.status, said.out, said.err) == (0, "", "")


def test_a_finished_run_is_not_sampled_again(built, here: Path):
    before = {path: path.read_bytes() for path in (here / "runs/tiny/shards").rglob("*.*")}
    assert built("build", "tiny.yaml").status == 0
    assert {path: path.read_bytes() for path in (here / "runs/tiny/shards").rglob("*.*")} == before


def test_a_larger_target_goes_on_with_the_same_rows(built, here: Path):
    first = (here / "runs/tiny/shards/00000/instruct.parquet").read_bytes()
    said = built("build", "tiny.yaml", "--kept", "60", "--json")
    assert said.document["funnel"]["kept"] == 60
    assert (here / "runs/tiny/shards/00000/instruct.parquet").read_bytes() == first


def test_sampled_takes_the_place_of_kept(say):
    said = say("build", "tiny.yaml", "--sampled", "30", "--json")
    assert said.document["funnel"]["rows"] == 30


def test_a_run_has_its_own_directory(say, here: Path):
    assert say("build", "tiny.yaml", "--run", "elsewhere", "--quiet").status == 0
    assert json.loads((here / "elsewhere/run.json").read_text())["recipe"]["name"] == "tiny"
    assert not (here / "runs").exists()


def test_a_recipe_that_shapes_other_rows_is_refused(built):
    said = built("build", "tiny.yaml", "--set", "instruction.max_tokens=50", "--set", "seed=12")
    assert said.status == 2
    assert said.err == (
        "error: the rows in runs/tiny were sampled from another recipe; since then changed\n"
        "  instruction.max_tokens: 48 -> 50\n"
        "  seed: 11 -> 12\n"
        "Build the changed recipe into another directory (--run DIR), or undo the change.\n"
    )


def test_looser_rules_have_the_rows_answered_that_now_pass(built):
    said = built("build", "tiny.yaml", "--set", "rules.instruction.long-enough=true or row >= 0")
    assert said.status == 0
    assert "dropped: unanswered" not in said.out


def test_a_spent_budget_stops_with_status_3(say):
    slow = ("--set", "engine.delay=0.05", "--budget-gpu-hours", "0.0001")
    said = say("build", "tiny.yaml", *slow)
    assert said.status == 3
    assert "\nstopped: the budget is spent, with " in said.err
    again = say("build", "tiny.yaml", *slow)
    assert again.err.startswith("stopped: the run has used ")
    assert say("build", "tiny.yaml").status == 0


def test_the_plan_is_shown_when_the_pilot_is_over_and_noted(say, here: Path):
    said = say("build", "tiny.yaml", "--set", "engine.delay=0.003", "--set", "price.gpu_hour=2.5")
    assert said.status == 0
    shown = said.err.splitlines()[21:]
    names = [line.split()[0] for line in shown if line and line[0].isalpha()]
    assert names[:7] == ["plan", "goal", "yield", "rows", "tokens", "time", "cost"]
    status = say("status", "tiny", "--json").document
    assert status["plan"]["goal"] == 40
    noted = (here / "runs/tiny/events.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in noted].count("plan") == 1


def test_a_budget_that_is_too_small_is_said_to_be_so_before_it_is_spent(say):
    slow = ("--set", "engine.delay=0.005", "--kept", "200", "--budget-gpu-hours", "0.001")
    said = say("build", "tiny.yaml", *slow)
    assert said.status == 3
    budget = next(line for line in said.err.splitlines() if line.startswith("budget"))
    assert budget.split(None, 1)[1].startswith("0.001 GPU-hours: not enough; it brings about ")
    plan = say("status", "tiny", "--json").document["plan"]
    assert plan["budget"]["gpu_hours"] == 0.001
    assert plan["budget"]["enough"] is False


def test_quotas_that_are_met_are_shown(say):
    quotas = "target={kept: 5, by: task_category, quotas: {Math: 3, Editing: 2}}"
    said = say("build", "tiny.yaml", "--set", "annotate=[category]", "--set", quotas)
    assert said.status == 0
    table = said.out.split("\n\n")[1].splitlines()
    assert [line.split() for line in table if line[0].isalpha()] == [
        ["quota", "wanted", "kept"],
        ["Math", "3", "3"],
        ["Editing", "2", "2"],
    ]
    assert "Quota not met" not in said.out


def test_a_selection_that_lacks_rows_says_so_and_what_drops_them(say):
    quotas = "target={kept: 5, by: task_category, quotas: {Math: 3, Editing: 2}}"
    assert say("build", "tiny.yaml", "--set", "annotate=[category]", "--set", quotas).status == 0
    said = say("filter", "tiny", "--set", "rules.response.no=task_category != 'Math'", "--json")
    assert said.status == 0
    end = said.document["end"]
    assert end["reason"] is None
    assert [one["label"] for one in end["short"]] == ["Math"]
    assert (end["short"][0]["kept"], end["short"][0]["dropped"][0]["reason"]) == (0, "no")


@pytest.mark.slow
def test_a_server_that_is_not_there_is_said_to_be_so(say):
    with socket.socket() as held:  # bound and deaf: nobody else gets the port meanwhile
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        said = say("build", "tiny.yaml", "--engine", "openai", "--endpoint", url)
    assert said.status == 1
    assert said.err.startswith(f"error: the server was asked 5 times: {url} cannot be reached: ")
    assert said.err.endswith("Wait until it serves, then run the same command again.\n")


def test_a_faulty_recipe_is_refused_with_all_its_faults(say):
    said = say("build", "tiny.yaml", "--set", "seed=x", "--set", "target.kept=0", "--json")
    assert said.status == 2
    assert said.err.splitlines()[-1] == "error: tiny.yaml: 2 faults"
    assert len(said.document["faults"]) == 2


def test_a_directory_that_is_no_run_is_left_alone(say, here: Path):
    (here / "photos").mkdir()
    (here / "photos/cat.jpg").touch()
    said = say("build", "tiny.yaml", "--run", "photos")
    assert said.status == 1
    assert said.err == (
        "error: photos is no run, and not empty: it holds 'cat.jpg'\n"
        "Name another directory: --run DIR\n"
    )
    assert [path.name for path in (here / "photos").iterdir()] == ["cat.jpg"]


def test_a_run_without_rows_may_become_another(say, here: Path):
    said = say("build", "tiny.yaml", "--set", "engine.trace=no/such/folder/trace")
    assert said.status == 1
    assert said.err == (
        "error: cannot write the trace no/such/folder/trace: No such file or directory\n"
        "Name a file in a folder that exists: --set engine.trace=PATH\n"
    )
    assert (here / "runs/tiny/run.json").exists()
    assert say("build", "tiny.yaml", "--set", "seed=12", "--quiet").status == 0
