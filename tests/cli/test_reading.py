from __future__ import annotations


def test_status_without_runs_says_how_to_start_one(say):
    assert say("status").out == "No runs in runs/. Start one: magpie build demo\n"
    assert say("status", "--json").document == []


def test_status_of_all_runs(built):
    lines = built("status").out.splitlines()
    assert lines[0].split() == ["run", "state", "target", "sampled", "kept", "tokens"]
    assert lines[2].split()[:4] == ["runs/tiny", "released", "40", "kept"]


def test_status_of_one_run(built):
    document = built("status", "tiny", "--json").document
    assert document["recipe"] == "tiny"
    assert document["pid"] is None
    assert document["kept"] == 40
    assert document["instructed"] >= 60
    assert document["dropped"] == {"long-enough": 7, "whole": 7, "whole-response": 6}
    assert document["released"] is True
    cost = document["cost"]
    assert [use["stage"] for use in cost["stages"]] == ["instruct", "respond"]
    assert cost["stages"][0]["rows"] == document["instructed"]
    assert cost["stages"][1]["rows"] == document["answered"]
    assert sum(use["tokens_out"] for use in cost["stages"]) == document["tokens"]
    assert cost["tokens_per_kept_row"] == round(document["tokens"] / 40, 1)


def test_status_shows_what_each_stage_used(built):
    lines = [line.split() for line in built("status", "tiny").out.splitlines()]
    head = ["stage", "rows", "tokens", "in", "tokens", "out", "seconds", "GPU-seconds"]
    start = lines.index(head)
    assert [line[0] for line in lines[start + 2 : start + 4]] == ["instruct", "respond"]
    assert " ".join(lines[-1]).endswith("tokens a kept row")


def test_show_reads_kept_rows_spread_over_the_run(built):
    rows = built("show", "tiny", "-n", "3", "--json").document
    assert [row["drop_reason"] for row in rows] == [None, None, None]
    assert rows[0]["row"] < rows[1]["row"] < rows[2]["row"]
    assert all(row["instruction"] and row["response"] for row in rows)


def test_show_reads_dropped_rows_with_their_reason(built):
    rows = built("show", "tiny", "--reason", "long-enough", "-n", "100", "--json").document
    assert {row["drop_reason"] for row in rows} == {"long-enough"}
    assert len(rows) == 7
    assert "dropped: long-enough" in built("show", "tiny", "--reason", "long-enough", "-n", "1").out
    dropped = built("show", "tiny", "--dropped", "-n", "100", "--json").document
    assert len(dropped) == 20


def test_show_reads_one_row(built):
    said = built("show", "tiny", "--row", "7")
    assert said.out.startswith("╭─ row 7 · ")
    assert built("show", "tiny", "--row", "7000").err.startswith("error: runs/tiny has no row 7000")


def test_show_names_the_reasons_that_there_are(built):
    said = built("show", "tiny", "--reason", "whle")
    assert said.status == 2
    assert said.err == (
        "error: no row was dropped by 'whle'\n"
        "Reasons in this run: long-enough, whole, whole-response.\n"
    )


def test_show_does_not_call_a_row_kept_that_no_selection_has_seen(built, here):
    (here / "runs/tiny/selection.parquet").unlink()
    said = built("show", "tiny", "--row", "0")
    assert said.out.startswith("╭─ row 0 · not selected yet ")
    assert built("show", "tiny", "--row", "0", "--json").document[0]["selected"] is False
