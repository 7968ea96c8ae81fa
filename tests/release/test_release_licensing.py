import huggingface_hub.constants
import pytest
from huggingface_hub import DatasetCard

from builder.errors import RecipeError
from builder.recipe.license_files import license_files
from builder.recipe.licenses import LICENSES, known_license, license_of
from builder.recipe.load import load_recipe
from builder.release.card import front_matter, render_card
from builder.release.licensing import license_problem, licenses_of, model_licenses
from builder.release.release import Selected, make_release
from builder.select.selection import select
from tests.release.annotated import ANNOTATE, annotated_recipe
from tests.release.test_release_card import parsed
from tests.select.tiny_run import TEMPLATE, recipe, write_run
from tests.servers.hub import COMMIT, running_hub

LLAMA = "meta-llama/Meta-Llama-3-8B-Instruct"


def licensed(license_, model="some-lab/Some-Model", **changes):
    told = {"id": model, "revision": "main", "license": license_}
    return recipe(model=told | changes)


def judged(license_, judge="other-lab/Judge", **model):
    """A recipe of an Apache model with a judge under another licence."""
    engine = {"kind": "openai", "endpoint": "http://node:8080"}
    chosen = {"model": {"id": judge, "license": license_} | model, "engine": engine}
    return annotated_recipe(annotate={"quality": {}}, judge=chosen, rules={})


def problem(chosen):
    return license_problem({"licenses": model_licenses(chosen, [])})


@pytest.mark.parametrize(
    ("license_", "words"),
    [
        ("llama2", ["forbids using output", "except Llama 2"]),
        ("llama3", ["**Built with Meta Llama 3.**", 'begin with "Llama 3"', "1.b.v forbids"]),
        ("llama3.1", ["**Built with Llama.**", "Llama 3.1 Community", 'begins with "Llama"']),
        ("llama3.3", ["**Built with Llama.**", "Llama 3.3 Community", 'begins with "Llama"']),
        ("llama4", ["**Built with Llama.**", "Llama 4 Community"]),
        ("gemma", ["Gemma Terms of Use", "claims no rights in output"]),
        ("qwen", ["**Built with Qwen.**", "Section 5.b"]),
    ],
)
def test_terms_that_bind_output_stand_on_the_card(release, license_, words):
    data, text = parsed(release(recipe_=licensed(license_)).folder)
    assert data["license"] == (license_ if license_of(license_).hub else "other")
    flat = " ".join(text.split())
    assert [word for word in words if word not in flat] == []
    assert "[some-lab/Some-Model](https://huggingface.co/some-lab/Some-Model)" in text


@pytest.mark.parametrize("key", sorted(LICENSES))
def test_every_licence_of_the_table_makes_a_card(key):
    known = license_of(key)
    assert known.link is None or known.link.startswith("https://")
    assert all(sentence.endswith(".") for sentence in known.asks)
    assert known.hub or known.link


def test_a_licence_that_the_hub_does_not_know_has_name_and_link(release):
    data, _ = parsed(release(recipe_=licensed("qwen")).folder)
    assert (data["license"], data["license_name"]) == ("other", "qwen")
    assert data["license_link"] == license_of("qwen").link
    told = {"license_name": "my-license-1.0", "license_link": "https://a.b/license"}
    own = release("own", recipe_=licensed("other", **told))
    data, text = parsed(own.folder)
    assert (data["license"], data["license_name"]) == ("other", "my-license-1.0")
    assert data["license_link"] == "https://a.b/license"
    assert "| license | my-license-1.0 |" in text
    assert license_problem(own.facts) is None


def test_what_asks_nothing_asks_nothing(release):
    data, text = parsed(release(recipe_=licensed("mit")).folder)
    assert data["license"] == "mit"
    assert "Built with" not in text
    assert "No licence that is told here asks anything of a model's output" in text


def test_splits_under_different_licences(release):
    one = release("one", recipe_=licensed("llama3")).facts
    other = release("other", recipe_=licensed("llama3.1")).facts | {"split": "air"}
    data = front_matter([other, one])
    assert data["license"] == ["llama3", "llama3.1"]
    assert data["configs"][0]["data_files"] == [
        {"split": "air", "path": "filtered/air-*.parquet"},
        {"split": "pro", "path": "filtered/pro-*.parquet"},
    ]
    card = render_card([other, one])
    assert "**Built with Llama.**" in card
    assert "**Built with Meta Llama 3.**" in card


@pytest.mark.parametrize(
    ("judge", "together"),
    [("llama3", ["llama3"]), ("mit", ["apache-2.0"]), ("gemma", ["gemma"])],
)
def test_the_licence_of_the_judge_binds_where_it_asks_something(judge, together):
    found = model_licenses(judged(judge), [])
    assert [(one["model"], one["license"], one["gave"], one["text"]) for one in found] == [
        ("org/tiny-model", "apache-2.0", ["instructions and responses"], True),
        ("other-lab/Judge", judge, ["quality"], True),
    ]
    assert licenses_of({"licenses": found}) == together


def test_the_model_of_the_rows_stands_in_front():
    chosen = judged("llama3.1").model_copy(update={"model": licensed("llama3").model})
    assert licenses_of({"licenses": model_licenses(chosen, [])}) == ["llama3", "llama3.1"]


def test_models_of_servers_are_known_by_the_table_or_told_by_the_recipe():
    base = {"endpoint": "http://n:1", "model": "lab/base"}
    known = {"endpoint": "http://n:2", "model": "RLHFlow/ArmoRM-Llama3-8B-v0.1"}
    annotate = {"reward": known, "reward_difference": {"base": base, "reward": known}}
    how = {"annotate": annotate, "rules": {}}
    found = {one["model"]: one for one in model_licenses(annotated_recipe(**how), [])}
    assert found["RLHFlow/ArmoRM-Llama3-8B-v0.1"]["license"] == "llama3"
    assert found["RLHFlow/ArmoRM-Llama3-8B-v0.1"]["gave"] == ["reward", "reward_difference"]
    assert found["lab/base"] == {
        "model": "lab/base",
        "license": None,
        "name": None,
        "link": None,
        "gave": ["reward_difference"],
        "text": True,
    }
    assert problem(annotated_recipe(**how)) == (
        "the licence of lab/base is not known, and the rows hold what it wrote "
        "(reward_difference). Write `licenses: {lab/base: ID}` below publish, then run "
        "`magpie filter RUN`."
    )
    told = {"repo": "org/set", "split": "pro", "licenses": {"lab/base": "mit"}}
    assert problem(annotated_recipe(**how, publish=told)) is None


def test_a_model_that_gave_numbers_alone_may_be_unknown(release):
    chosen = annotated_recipe(annotate={"reward": ANNOTATE["reward"]}, rules={})
    counted = [{"name": "reward", "models": [{"model": "lab/reward", "rows": 3}]}]
    found = model_licenses(chosen, counted)
    assert (found[1]["model"], found[1]["license"], found[1]["text"]) == ("lab/reward", None, False)
    assert license_problem({"licenses": found}) is None
    assert licenses_of({"licenses": found}) == ["apache-2.0"]


def test_no_model_is_seen_in_what_is_built_in():
    chosen = annotated_recipe(annotate={"embedding": {}, "refusal": {}}, rules={})
    counted = [{"name": "embedding", "models": [{"model": "lexical-1", "rows": 3}]}]
    assert [one["model"] for one in model_licenses(chosen, counted)] == ["org/tiny-model"]


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (licensed("unknown"), "the licence of some-lab/Some-Model is unknown. Find out"),
        (licensed("other"), "Write license_name and license_link below model"),
        (judged("other"), "Write license_name and license_link below the judge's model"),
        (
            licensed("mit", LLAMA),
            f"the recipe says that {LLAMA} is under mit, and on the Hub it is under llama3. Write "
            "license: llama3",
        ),
    ],
)
def test_what_refuses_a_release_from_being_published(chosen, words):
    assert words in problem(chosen)


@pytest.mark.parametrize("chosen", [licensed("llama3", LLAMA), licensed("mit"), judged("gemma")])
def test_what_may_be_published(chosen):
    assert problem(chosen) is None


def test_facts_without_licences_are_judged_by_their_model():
    model = {"id": LLAMA, "license": "mit"}
    assert "on the Hub it is under llama3" in license_problem({"model": model})


@pytest.mark.parametrize(
    ("model", "license_"),
    [
        ("meta-llama/Meta-Llama-3-70B-Instruct", "llama3"),
        ("meta-llama/Meta-Llama-3.1-8B-Instruct", "llama3.1"),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama3.3"),
        ("META-LLAMA/llama-2-7b-chat-hf", "llama2"),
        ("Qwen/Qwen2.5-3B-Instruct", "qwen-research"),
        ("Qwen/Qwen2.5-7B-Instruct", "apache-2.0"),
        ("Qwen/Qwen2.5-72B-Instruct", "qwen"),
        ("google/gemma-2-9b-it", "gemma"),
        ("google/gemma-4-31b", "apache-2.0"),
        ("some-lab/meta-llama", None),
    ],
)
def test_models_of_the_table(model, license_):
    assert known_license(model) == license_


def test_a_misspelled_licence_of_any_model_is_found_with_its_line(tmp_path):
    text = """
name: x
version: 1.0.0
summary: x
model: {id: demo, license: apache-2.0}
judge: {model: {id: demo, license: llama-3}, engine: {kind: scripted}}
engine: {kind: scripted}
seed: 1
target: {sampled: 5}
instruction: {sweep: [{temperature: 1.0}], max_tokens: 5}
response: {max_tokens: 5}
publish: {repo: a/b, split: c, licenses: {a/b: apache}}
"""
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    faults = "\n".join(caught.value.faults)
    assert 'judge.model.license: "llama-3" is no licence that the Hub knows; did you mean' in faults
    assert '"apache" is no licence that the Hub knows' in faults


def with_texts(tmp_path, license_="llama3"):
    """A recipe whose model lies in a folder, with the texts that its maker gave it."""
    folder = tmp_path / "models" / "my-llama"
    folder.mkdir(parents=True)
    (folder / "LICENSE").write_bytes(b"META LLAMA 3 COMMUNITY LICENSE\r\n\xff")
    (folder / "USE_POLICY.md").write_text("Be good.")
    (folder / "config.json").write_text("{}")
    return recipe(model={"id": str(folder), "license": license_})


def test_texts_of_licences_come_from_the_model_itself(tmp_path):
    chosen = with_texts(tmp_path)
    assert license_files(chosen, tmp_path) == {
        chosen.model.id: {
            "LICENSE": b"META LLAMA 3 COMMUNITY LICENSE\r\n\xff",
            "USE_POLICY.md": b"Be good.",
        }
    }
    permissive = recipe(model={"id": chosen.model.id, "license": "mit"})
    assert license_files(permissive, tmp_path) == {}


def test_texts_of_a_model_on_the_hub_are_those_of_its_commit(tmp_path, monkeypatch):
    chosen, constants = with_texts(tmp_path), huggingface_hub.constants
    (tmp_path / "models/my-llama/tokenizer_config.json").write_text("{}")
    pinned = {"id": "some-lab/llama", "revision": COMMIT, "license": "llama3"}
    with running_hub("some-lab/llama", tmp_path / "models/my-llama") as server:
        pattern = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, server.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", pattern)
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        found = license_files(recipe(model=pinned), tmp_path)
        assert found["some-lab/llama"] == license_files(chosen, tmp_path)[chosen.model.id]
        floating = recipe(model=pinned | {"revision": "main"})
        assert license_files(floating, tmp_path) == {}
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert license_files(recipe(model=pinned), tmp_path) == found


def test_a_model_out_of_reach_has_no_texts(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    far = recipe(model={"id": "no-such/model", "revision": "0" * 40, "license": "llama3"})
    assert license_files(far, tmp_path) == {}


def test_texts_and_notice_lie_in_the_release(tmp_path, rows):
    chosen = with_texts(tmp_path)
    shards = write_run(tmp_path, rows)
    funnel = select(shards, chosen, tmp_path / "selection.parquet").to_json()
    selected = Selected(shards, tmp_path / "selection.parquet", funnel, {}, base=tmp_path)
    made = make_release(tmp_path / "release", selected, chosen, TEMPLATE)
    inside = made.folder / "licenses/pro"
    assert (inside / "my-llama/LICENSE").read_bytes().endswith(b"\xff")
    assert made.facts["licenses"][0]["files"] == [
        "licenses/pro/my-llama/LICENSE",
        "licenses/pro/my-llama/USE_POLICY.md",
    ]
    notice = (inside / "NOTICE.txt").read_text("utf-8")
    assert notice.splitlines()[2:] == [
        "my-llama: Meta Llama 3 Community License Agreement",
        "  gave: instructions and responses",
        "  text: https://www.llama.com/llama3/license/",
        "  use policy: https://www.llama.com/llama3/use-policy/",
        "  copy: licenses/pro/my-llama/LICENSE",
        "  copy: licenses/pro/my-llama/USE_POLICY.md",
        "  Built with Meta Llama 3",
        "  Meta Llama 3 is licensed under the Meta Llama 3 Community License, Copyright © Meta "
        "Platforms, Inc. All Rights Reserved.",
    ]
    text = DatasetCard.load(made.folder / "README.md").text
    assert "([LICENSE](licenses/pro/my-llama/LICENSE), [USE_POLICY.md](" in text
    assert str(tmp_path) not in text + notice
