import os
import shutil
import subprocess

import pytest

from tests.servers.hub.attributes import ATTRIBUTES, in_lfs, is_ignored, upload_mode
from tests.servers.hub.git import blob_oid, commit_oid, pointer, tree_oids

FILES = {
    "README.md": b"# A card\n",
    "raw/a.txt": b"a",
    "raw/deep/b.txt": b"b",
    "raw.txt": b"a name that sorts before the folder raw in git",
}


def git(folder, *words, **more):
    done = subprocess.run(
        ["git", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | more,
    )
    return done.stdout.strip()


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git to compare with")
def test_names_of_files_folders_and_commits_are_those_of_git(tmp_path):
    git(tmp_path, "init", "-q")
    for path, body in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(body)
    git(tmp_path, "add", ".")
    tree = git(tmp_path, "write-tree")
    person = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (
            ("NAME", "me"),
            ("EMAIL", "me@users.noreply.huggingface.co"),
            ("DATE", "1700000000 +0000"),
        )
    }
    first = git(tmp_path, "commit-tree", tree, "-m", "first", **person)
    second = git(tmp_path, "commit-tree", tree, "-p", first, "-m", "second", **person)

    blobs = {path: blob_oid(body) for path, body in FILES.items()}
    trees = tree_oids(blobs)
    assert blobs["raw/a.txt"] == git(tmp_path, "hash-object", "raw/a.txt")
    assert trees[""] == tree
    assert trees["raw/deep"] == git(tmp_path, "rev-parse", f"{tree}:raw/deep")
    assert commit_oid(tree, None, "me", 1700000000, "first\n") == first
    assert commit_oid(tree, first, "me", 1700000000, "second\n") == second


def test_a_tree_of_nothing_is_that_of_git():
    assert tree_oids({}) == {"": "4b825dc642cb6eb9a060e54bf8d69288fbee4904"}


def test_a_pointer_is_that_of_the_specification():
    assert pointer("4d7a", 12345) == (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    )


@pytest.mark.parametrize(
    ("path", "size", "sample", "mode"),
    [
        ("raw/air-00000-of-00001.parquet", 10, b"PAR1", "lfs"),
        ("plots/air/lengths.png", 10, b"text, for all that", "lfs"),
        ("plots/air/lengths.svg", 10, b"<svg/>", "regular"),
        ("README.md", 10 * 1024 * 1024, "é".encode() * 256, "regular"),
        ("facts/air.json", 10 * 1024 * 1024 + 1, b"{}", "lfs"),
        ("rows", 10, b"a\0b", "lfs"),
        ("rows", 10, b"\xff\xfe", "lfs"),
        ("rows", 600, b"a" * 511 + "é".encode()[:1], "regular"),
        ("empty.parquet", 0, b"", "regular"),
        ("saved_model/a/b", 1, b"a", "lfs"),
        ("notes.tar.txt", 1, b"a", "lfs"),
    ],
)
def test_which_way_a_file_goes(path, size, sample, mode):
    assert upload_mode(path, size, sample, ATTRIBUTES) == mode


def test_the_last_line_that_matches_decides():
    text = "# all\n*.txt filter=lfs -text\nplain/*.txt -filter\n*.txt text\n\n"

    assert in_lfs("a.txt", text)
    assert not in_lfs("plain/a.txt", text)


@pytest.mark.parametrize(
    ("path", "ignored"),
    [("a.log", True), ("in/a.log", True), ("keep.log", False), ("cache/a", True), ("cache", False)],
)
def test_ignored_files(path, ignored):
    assert is_ignored(path, "# logs\n*.log\n!keep.log\ncache/\n") is ignored
