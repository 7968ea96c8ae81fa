"""Several licences at once: what the front matter, the card and the notice say, what is refused."""

import pytest

from builder.release.card import front_matter, render_card
from builder.release.license_text import write_licenses
from builder.release.licensing import (
    license_problem,
    licenses_of,
    missing_agreements,
    model_licenses,
    stated,
)
from builder.release.release import Selected, make_release
from builder.select.selection import select
from tests.release.annotated import annotated_recipe
from tests.release.test_release_card import parsed
from tests.release.test_release_licensing import LLAMA, judged, licensed
from tests.select.tiny_run import TEMPLATE, recipe, write_run


def both(own, judge, **changes):
    """A recipe whose rows and judgements come from models under these licences."""
    return judged(judge).model_copy(update={"model": licensed(own).model} | changes)


def facts_of(chosen):
    return {"split": "pro", "licenses": model_licenses(chosen, [])} | stated(chosen)


def carded(release, chosen):
    """The facts of a release as if this recipe had made it."""
    told = facts_of(chosen)
    return release().facts | told | {"licenses": [{**one, "files": []} for one in told["licenses"]]}


@pytest.mark.parametrize(
    ("own", "judge", "together"),
    [
        ("cc-by-nc-4.0", "llama3", ["cc-by-nc-4.0", "llama3"]),
        ("llama3", "cc-by-nc-4.0", ["llama3", "cc-by-nc-4.0"]),
        ("apache-2.0", "cc-by-nc-4.0", ["cc-by-nc-4.0"]),
        ("mit", "cc-by-sa-4.0", ["cc-by-sa-4.0"]),
        ("gpl-3.0", "gemma", ["gpl-3.0", "gemma"]),
        ("cc-by-4.0", "mit", ["cc-by-4.0"]),
    ],
)
def test_none_that_forbids_is_hidden_behind_another(own, judge, together):
    facts = facts_of(both(own, judge))
    assert licenses_of(facts) == together
    assert license_problem(facts) is None


def test_a_model_of_numbers_alone_is_told_and_binds_nobody(release):
    reward = {"endpoint": "http://n:1", "model": "sfairXC/FsfairX-LLaMA3-RM-v0.1"}
    chosen = annotated_recipe(annotate={"reward": reward}, rules={})
    facts = carded(release, chosen)
    text = render_card([facts])
    assert front_matter([facts])["license"] == "apache-2.0"
    assert "Not for commercial use" not in text
    assert "gave reward (no words)" in text
    assert (
        "`cc-by-nc-4.0` allows no commercial use of the model under it, which gave numbers alone;"
        in text
    )


def test_the_card_begins_with_what_is_forbidden(release):
    made = release(recipe_=licensed("mrl"))
    data, text = parsed(made.folder)
    assert (data["license"], data["license_name"]) == ("other", "mrl")
    section = text.split("## License\n")[1].strip()
    assert section.startswith("**Not for commercial use**: `mrl` allows none,")
    notice = (made.folder / "licenses/pro/NOTICE.txt").read_text("utf-8")
    assert notice.splitlines()[1] == "Not for commercial use: mrl"


def test_the_section_has_no_table(release):
    _, text = parsed(release(recipe_=licensed("llama3", LLAMA)).folder)
    section = text.split("## License\n")[1].split("\n## ")[0]
    assert [line for line in section.splitlines() if line.startswith("|")] == []
    assert "It asks for no name of a data set." in section


def test_several_licences_without_an_id_are_named_together(release):
    one = release("one", recipe_=licensed("qwen")).facts
    other = release("other", recipe_=licensed("mrl")).facts | {"split": "air"}
    data = front_matter([other, one])
    assert (data["license"], data["license_name"]) == ("other", "mrl-and-qwen")
    assert data["license_link"] == "licenses/air/NOTICE.txt"


RESERVED = (
    "llama3 and llama2 together let nobody train on the rows: each reserves them for its own "
    "models (Meta Llama 3, Llama 2). Use models under one of the two; or, if the rows are for "
    "reading and testing alone, write no_training: true below publish, then run "
    "`magpie filter RUN`."
)


def test_rows_that_nobody_may_train_on_are_refused_until_the_recipe_says_so(release):
    assert license_problem(facts_of(both("llama3", "llama2"))) == RESERVED
    publish = recipe().publish.model_copy(update={"no_training": True})
    said = facts_of(both("llama3", "llama2", publish=publish))
    assert said["no_training"] is True
    assert license_problem(said) is None
    facts = carded(release, both("llama3", "llama2", publish=publish))
    assert "**Not for training**: the licences below, together, leave no" in render_card([facts])
    made = release("said", recipe_=licensed("mit").model_copy(update={"publish": publish}))
    assert made.facts["no_training"] is True


def test_rows_that_one_family_may_be_trained_on_are_none_of_those():
    assert license_problem(facts_of(both("llama3", "llama3"))) is None
    assert license_problem(facts_of(both("llama3", "llama3.1"))) is None


def released(tmp_path, rows, chosen):
    shards = write_run(tmp_path, rows)
    funnel = select(shards, chosen, tmp_path / "selection.parquet").to_json()
    selected = Selected(shards, tmp_path / "selection.parquet", funnel, {}, base=tmp_path)
    return make_release(tmp_path / "release", selected, chosen, TEMPLATE).facts


def test_a_release_without_the_agreement_says_so(tmp_path, rows, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    pinned = recipe(model={"id": LLAMA, "revision": "a" * 40, "license": "llama3"})
    facts = released(tmp_path, rows, pinned)
    assert facts["licenses"][0]["agreement"] is None
    assert license_problem(facts) is None
    assert missing_agreements(facts) == [
        f"The release holds no copy of the Meta Llama 3 Community License Agreement, under which "
        f"{LLAMA} is. Accept the licence at https://huggingface.co/{LLAMA} and set "
        f"HF_TOKEN, if its files hold it; or save it as licenses/{LLAMA}/LICENSE beside the recipe "
        "(https://www.llama.com/llama3/license/). Then run `magpie filter RUN`."
    ]
    in_folder = [facts["licenses"][0] | {"model": "my-llama"}]
    (said,) = missing_agreements(facts | {"licenses": in_folder})
    assert "Save it into the model's folder as LICENSE; or as licenses/my-llama/LICENSE" in said
    beside = tmp_path / "licenses" / LLAMA
    beside.mkdir(parents=True)
    (beside / "LICENSE").write_bytes(b"META LLAMA 3 COMMUNITY LICENSE AGREEMENT")
    facts = released(tmp_path, rows, pinned)
    assert facts["licenses"][0]["agreement"] == f"licenses/pro/{LLAMA}/LICENSE"
    assert missing_agreements(facts) == []


def test_another_text_is_no_agreement(tmp_path):
    told = {**facts_of(licensed("llama3.3"))}
    mit = {"some-lab/Some-Model": {"LICENSE": b"MIT License"}}
    (one,) = write_licenses(tmp_path, told, mit)
    assert (one["files"], one["agreement"]) == (["licenses/pro/some-lab/Some-Model/LICENSE"], None)


def test_one_copy_does_for_all_models_under_it(tmp_path):
    text = {"some-lab/Some-Model": {"LICENSE": b"META LLAMA 3 COMMUNITY LICENSE AGREEMENT"}}
    own, judge = write_licenses(tmp_path, facts_of(both("llama3", "llama3")), text)
    assert own["agreement"] == judge["agreement"] == own["files"][0]
    assert judge["files"] == []
    notice = (tmp_path / "licenses/pro/NOTICE.txt").read_text("utf-8")
    assert notice.count("  copy: licenses/pro/some-lab/Some-Model/LICENSE") == 2


def test_what_nobody_looked_for_is_not_told(tmp_path):
    (one,) = write_licenses(tmp_path, facts_of(licensed("llama3")), None)
    assert "agreement" not in one


def test_a_page_that_says_less_than_binds_is_explained():
    chosen = licensed("mit", "deepseek-ai/DeepSeek-R1-Distill-Llama-8B")
    assert license_problem(facts_of(chosen)) == (
        "the recipe says that deepseek-ai/DeepSeek-R1-Distill-Llama-8B is under mit, and it is "
        "under llama3.1: its page says mit, and that it was made from Llama 3.1 8B under llama3.1. "
        "Write license: llama3.1, then run `magpie filter RUN`."
    )
