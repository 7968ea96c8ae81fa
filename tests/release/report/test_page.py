"""The file of a report, without a browser."""

import base64
import gzip
import hashlib
import json
import re

import pytest

from builder.errors import RunError
from builder.release.report.packed import packed
from builder.release.report.page import FOLDER, PARTS, RESERVED, STYLES
from builder.release.report.report import write_report
from builder.rows import RESERVED_DROP_REASONS
from tests.release.report.conftest import HOSTILE


def unpacked(text):
    return json.loads(gzip.decompress(base64.b64decode(text)))


def parts(made):
    """Policy, style, data and script of a page."""
    text = made.path.read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    data, script = re.findall(r"<script type=[^>]*>(.*?)</script>", text, re.DOTALL)
    return policy[1].replace("&#39;", "'"), style[1], data, script


def test_the_policy_allows_this_style_and_script_and_nothing_else(report):
    policy, style, _, script = parts(report())
    allowed = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert allowed["default-src"] == "'none'"
    for name, text in (("style-src", style), ("script-src", script)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert allowed[name] == f"'sha256-{digest}'"


def test_nothing_outside_the_file_is_named(report):
    text = report().path.read_text(encoding="utf-8")
    assert re.findall(r'(?:src|href)="(?!#|data:,)[^"]*"', text) == []
    style = parts(report())[1]
    assert "url(" not in style
    assert "@import" not in style


def test_the_data_hold_every_row_as_it_is(report):
    data = unpacked(parts(report())[2])
    assert data["rows"] == 8
    assert data["values"]["instruction"][1] == HOSTILE
    assert data["values"]["drop_reason"][3:] == ["whole", None, "duplicate", "good", "failed"]
    assert data["charts"][0]["name"] == "funnel"


def test_no_letter_of_the_data_can_end_its_element():
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", packed({"text": HOSTILE}))


def test_half_a_pair_of_surrogates_is_no_fault():
    assert unpacked(packed(["a\ud800b"])) == ["a\ufffdb"]


def test_the_same_release_gives_the_same_file(report):
    first = report().path.read_bytes()
    assert report().path.read_bytes() == first


def test_a_report_tells_its_size(report):
    made = report(most=4)
    assert (made.rows, made.of) == (4, 8)
    assert made.size == made.path.stat().st_size


def test_what_is_no_release_is_refused(tmp_path):
    with pytest.raises(RunError, match="is no release"):
        write_report(tmp_path, tmp_path / "report.html")


def test_every_part_of_the_page_is_used():
    there = {path.name for path in FOLDER.iterdir()}
    assert there == {*PARTS, *STYLES, "report.html.j2", "made.html.j2"}


def test_parts_of_the_page_stay_small():
    lengths = {path.name: len(path.read_text().splitlines()) for path in FOLDER.iterdir()}
    assert {name: lines for name, lines in lengths.items() if lines > 400} == {}


def test_every_reason_that_is_no_rule_is_explained():
    assert tuple(RESERVED) == RESERVED_DROP_REASONS
