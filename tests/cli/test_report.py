from __future__ import annotations

from pathlib import Path


def test_report_is_written_into_the_run(built, here: Path):
    said = built("report", "tiny")
    page = here / "runs/tiny/report.html"
    size = f"{page.stat().st_size / 1e6:.1f} MB"
    assert said.status == 0
    assert said.out.splitlines()[0] == f"runs/tiny/report.html: 60 of 60 rows, {size}"
    assert said.out.splitlines()[1].startswith("No map: the release was made without one")
    assert "<title>tiny 0.1.0: Magpie report</title>" in page.read_text(encoding="utf-8")


def test_report_goes_where_it_is_sent_with_as_many_rows_as_asked_for(built, here: Path):
    document = built("report", "tiny", "--to", "out.html", "--rows", "9", "--json").document
    assert (document["report"], document["rows"], document["of"]) == ("out.html", 9, 60)
    assert document["bytes"] == (here / "out.html").stat().st_size
    assert document["no_map"].startswith("the release was made without one")
    assert not (here / "runs/tiny/report.html").exists()


def test_report_of_a_run_without_a_release_says_what_to_run(built, here: Path):
    (here / "runs/tiny/release").rename(here / "elsewhere")
    said = built("report", "tiny")
    assert said.status == 1
    assert said.err == (
        "error: runs/tiny/release is no release: it has no card with facts\n"
        "Finish the run with `magpie build`, or release what is there: `magpie filter RUN`.\n"
    )


def test_report_into_a_folder_that_is_not_there_is_refused(built):
    said = built("report", "tiny", "--to", "nowhere/out.html")
    assert said.status == 1
    assert said.err.startswith("error: cannot write nowhere/out.html: No such file or directory")
