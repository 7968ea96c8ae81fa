import pytest

from builder.errors import PrerequisiteError, UsageError
from builder.release import parquet
from builder.release.push.hub import Hub
from builder.release.push.publish import dry_run
from builder.release.push.ready import Order
from tests.release.push.conftest import REPO, TOKEN, of_split
from tests.select.tiny_run import row


def test_a_first_release_is_one_commit_with_its_tag(publisher, made, seen):
    folder = made("pro")
    done = publisher(folder)
    assert (str(done.plan.version), done.new) == ("1.0.0", True)
    assert seen().tags == {"v1.0.0": done.commit}
    assert seen().head == done.commit
    assert seen().holds(folder, "v1.0.0")
    assert seen().titles == ["Release v1.0.0: split pro, 6 rows", "initial commit"]
    assert done.plan.reasons == ("first release",)
    assert b"## pro 1.0.0\n" in seen().read("CHANGELOG.md")


def test_a_second_split_leaves_the_first_byte_for_byte(publisher, made, seen):
    publisher(made("pro"))
    before = seen().oids()
    done = publisher(made("air", 4))
    after = seen().oids()
    assert str(done.plan.version) == "1.1.0"
    assert done.plan.reasons == ("new split air",)
    other = {path: oid for path, oid in before.items() if path not in ("README.md", "CHANGELOG.md")}
    assert other.items() <= after.items()
    card = seen().read("README.md").decode()
    assert "path: filtered/air-*.parquet" in card
    assert "path: filtered/pro-*.parquet" in card
    log = seen().read("CHANGELOG.md").decode()
    assert log.index("## air 1.1.0") < log.index("## pro 1.0.0")


def test_more_rows_are_a_minor_version_and_the_other_split_stays(publisher, made, seen):
    publisher(made("air", 4))
    publisher(made("pro", 6))
    before = seen().oids()
    folder = made("pro", 9)
    done = publisher(folder)
    assert str(done.plan.version) == "1.2.0"
    assert done.plan.reasons == (
        "pro, filtered: 3 rows more (6 -> 9)",
        "pro, raw: 3 rows more (6 -> 9)",
    )
    assert seen().holds(folder, "v1.2.0")
    kept = {path: oid for path, oid in seen().oids().items() if "/air" in path}
    assert kept == {path: oid for path, oid in before.items() if "/air" in path}
    assert len(seen().titles) == 4


def test_the_changelog_says_what_came_with_each_version(publisher, made, seen, hub):
    publisher(made("pro", 4))
    publisher(made("pro", 6))
    with_edit(hub, "README.md", b"by hand\n")
    publisher(made("pro", 6))
    log = seen().read("CHANGELOG.md").decode()
    sections = [part.splitlines() for part in log.split("\n## ")[1:]]
    assert [part[:3] for part in sections] == [
        ["card 1.1.1", "", "- only the card"],
        ["pro 1.1.0", "", "- pro, filtered: 2 rows more (4 -> 6)"],
        ["pro 1.0.0", "", "- first release"],
    ]
    assert sections[1][3:6] == [
        "- pro, raw: 2 rows more (4 -> 6)",
        "- 6 rows sampled, 6 kept",
        "- dropped: none",
    ]
    assert not publisher(made("pro", 6)).new
    assert seen().read("CHANGELOG.md").decode() == log


def test_fewer_rows_are_a_major_version(publisher, made):
    publisher(made("pro", 6))
    done = publisher(made("pro", 5))
    assert str(done.plan.version) == "2.0.0"
    assert done.plan.reasons[0] == "pro, filtered: 1 row gone, 0 new (6 -> 5)"


def test_as_many_other_rows_are_a_major_version(publisher, made, release):
    publisher(made("pro", 3))
    rows = [row(0, "pro asks 0"), row(1, "pro asks 1"), row(2, None), row(3, "pro asks 3")]
    done = publisher(release("other", rows, of_split("pro")).folder)
    assert str(done.plan.version) == "2.0.0"
    assert done.plan.reasons[0] == "pro, filtered: 1 row gone, 1 new (3 -> 3)"


def test_the_same_rows_with_other_values_are_a_minor_version(publisher, made, release):
    publisher(made("pro", 2))
    rows = [row(n, f"pro asks {n}", "another answer") for n in range(2)]
    done = publisher(release("other", rows, of_split("pro")).folder)
    assert str(done.plan.version) == "1.1.0"
    assert done.plan.reasons[0] == "pro, filtered: the same 2 rows with other values"


def test_other_facts_alone_are_a_patch(publisher, made):
    publisher(made("pro", 2))
    done = publisher(made("pro", 2, name="again", summary="Other words."))
    assert str(done.plan.version) == "1.0.1"
    assert done.plan.reasons == ("the same data, told anew",)
    assert "facts/pro.json" in done.plan.changed
    assert not [path for path in done.plan.sent if path.endswith(".parquet")]


def test_the_same_content_again_changes_nothing(publisher, made, seen, hub):
    folder = made("pro")
    first = publisher(folder)
    mark = hub.log.mark()
    again = publisher(folder)
    assert (again.new, again.commit, again.plan.holds) == (False, first.commit, first.commit)
    assert (again.plan.sent, again.plan.bytes, again.plan.card) == ((), 0, ())
    assert {asked.method for asked in hub.log.since(mark)} == {"GET"}
    assert seen().head == first.commit


def test_a_card_that_somebody_edited_is_a_patch(publisher, made, seen, hub):
    folder = made("pro")
    publisher(folder)
    with_edit(hub, "README.md", seen().read("README.md") + b"\nby hand\n")
    done = publisher(folder)
    assert (str(done.plan.version), done.plan.reasons) == ("1.0.1", ("only the card",))
    assert "-by hand" in done.plan.card
    assert seen().titles[1] == "by hand"


def test_files_of_others_are_left_alone(publisher, made, seen, hub):
    publisher(made("pro", 6))
    with_edit(hub, "notes/pros.txt", b"mine")
    publisher(made("pro", 7))
    assert seen().read("notes/pros.txt") == b"mine"


def test_older_shards_of_the_split_go_in_the_same_commit(publisher, made, seen, monkeypatch):
    publisher(made("pro_2", 6))
    with monkeypatch.context() as patch:
        patch.setattr(parquet, "GROUP_SPAN", 2)
        patch.setattr(parquet, "FILE_SPAN", 2)
        publisher(made("pro", 6))
    folder = made("pro", 7)
    done = publisher(folder)
    assert done.plan.deleted == tuple(
        f"{config}/pro-0000{number}-of-00003.parquet"
        for config in ("filtered", "raw")
        for number in range(3)
    )
    assert seen().holds(folder, "v1.2.0")
    assert "filtered/pro_2-00000-of-00001.parquet" in done.plan.kept
    assert len(seen().titles) == 4


def with_edit(hub, path, body):
    from huggingface_hub import CommitOperationAdd, HfApi

    HfApi(endpoint=hub.url, token=TOKEN).create_commit(
        REPO, [CommitOperationAdd(path, body)], commit_message="by hand", repo_type="dataset"
    )


def test_a_version_may_be_higher_and_not_lower(publisher, made, seen):
    assert str(publisher(made("pro", 6), version="1.4.0").plan.version) == "1.4.0"
    with pytest.raises(UsageError) as caught:
        publisher(made("pro", 7), version="1.4.5")
    assert caught.value.message == (
        "--version 1.4.5 is too low: the content asks for 1.5.0 "
        "(pro, filtered: 1 row more (6 -> 7))"
    )
    assert str(publisher(made("pro", 7), version="v2.0.0").plan.version) == "2.0.0"
    assert sorted(seen().tags) == ["v1.4.0", "v2.0.0"]


def test_a_version_that_is_none_is_refused_before_anything_is_made(publisher, made, seen, hub):
    with pytest.raises(UsageError, match="is no version"):
        publisher(made("pro"), version="1.x")
    assert hub.shelves.find("datasets", REPO) is None


def test_a_dry_run_sends_nothing_and_its_plan_is_what_is_done(publisher, made, hub, seen):
    publisher(made("air", 3))
    folder, mark = made("pro", 5), hub.log.mark()
    plan = dry_run(Hub(TOKEN), Order(folder, REPO))
    assert {asked.method for asked in hub.log.since(mark)} == {"GET"}
    mark = hub.log.mark()
    done = publisher(folder)
    assert done.plan == plan
    sent = sum(asked.received for asked in hub.log.since(mark) if asked.route == "lfs-put")
    parquet = [folder / path for path in plan.added if path.endswith(".parquet")]
    assert sent == sum(path.stat().st_size for path in parquet)
    small = [path for path in plan.sent if not path.endswith(".parquet")]
    assert plan.bytes == sent + sum(len(seen().read(path)) for path in small)
    assert set(plan.kept) == {path for path in seen().oids() if "air" in path} | {".gitattributes"}
    assert any(line.startswith("+") for line in plan.card)


def test_a_dry_run_for_a_new_repository_makes_none(made, hub):
    plan = dry_run(Hub(TOKEN), Order(made("pro"), REPO, private=True))
    assert (plan.parent, plan.private, str(plan.version)) == (None, True, "1.0.0")
    assert hub.shelves.find("datasets", REPO) is None


def test_a_private_repository_stays_one(publisher, made, seen):
    assert publisher(made("pro", 6), private=True).plan.private
    assert seen().repository.private
    assert publisher(made("pro", 7)).plan.private
    with pytest.raises(PrerequisiteError) as caught:
        publisher(made("pro", 8), private=False)
    assert "is private" in str(caught.value)


def test_a_release_that_was_pushed_under_another_name_says_so_on_its_card(publisher, made, seen):
    publisher(made("pro"), repo="ann/mine")
    card = seen("ann/mine").read("README.md").decode()
    assert 'load_dataset("ann/mine"' in card
    assert REPO not in card
