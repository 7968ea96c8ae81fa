import pytest

from builder.recipe.licenses import LICENSES, known_license, known_of, license_of, only_improve
from builder.recipe.load import check_recipe
from builder.recipe.new import new_recipe
from tests.recipe.cases import SMALLEST


@pytest.mark.parametrize(
    ("model", "license_"),
    [
        ("Qwen/Qwen2.5-3B", "qwen-research"),
        ("Qwen/Qwen2.5-Coder-3B-Instruct", "qwen-research"),
        ("Qwen/Qwen2.5-32B-Instruct", "apache-2.0"),
        ("Qwen/Qwen2.5-Math-72B-Instruct", "qwen"),
        ("Qwen/Qwen2-72B-Instruct", "tongyi-qianwen"),
        ("Qwen/Qwen2-57B-A14B-Instruct", "apache-2.0"),
        ("Qwen/Qwen3-235B-A22B", "apache-2.0"),
        ("mistralai/Mistral-7B-Instruct-v0.3", "apache-2.0"),
        ("mistralai/Mistral-Large-Instruct-2407", "mrl"),
        ("mistralai/Mistral-Small-Instruct-2409", "mrl"),
        ("mistralai/Ministral-8B-Instruct-2410", "mrl"),
        ("meta-llama/Llama-2-70b-chat-hf", "llama2"),
        ("meta-llama/Meta-Llama-3-70B", "llama3"),
        ("meta-llama/Meta-Llama-3.1-405B-Instruct", "llama3.1"),
        ("meta-llama/Llama-Guard-3-8B", "llama3.1"),
        ("meta-llama/Llama-Guard-3-1B", "llama3.2"),
        ("nvidia/Llama-3.1-Nemotron-70B-Instruct-HF", "llama3.1"),
        ("allenai/Llama-3.1-Tulu-3-8B", "llama3.1"),
        ("deepseek-ai/DeepSeek-R1", "mit"),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", "mit"),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "llama3.1"),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", "llama3.3"),
        ("google/gemma-3-27b-it", "gemma"),
        ("google/gemma-4-31B-it", "apache-2.0"),
        ("microsoft/Phi-3-mini-4k-instruct", "mit"),
        ("CohereForAI/c4ai-command-r-plus", "cc-by-nc-4.0"),
        ("sfairXC/FsfairX-LLaMA3-RM-v0.1", "cc-by-nc-4.0"),
    ],
)
def test_models_of_the_table(model, license_):
    assert known_license(model) == license_


@pytest.mark.parametrize(
    "model",
    [
        "Qwen/Qwen2.5-VL-3B-Instruct",
        "Qwen/Qwen3.8-Flash-Next",
        "Qwen/Qwen3-Omni-30B",
        "google/gemma-5-9b",
        "google/codegemma-7b",
        "mistralai/Ministral-3-8B-Instruct-2512",
        "mistralai/Mistral-Large-3-675B-Instruct-2512",
        "mistralai/Mistral-Small-24B-Instruct-2501",
        "mistralai/Codestral-22B-v0.1",
        "meta-llama/Llama-Guard-4-12B",
        "meta-llama/Llama-3.4-8B",
        "NousResearch/Meta-Llama-3-8B-Instruct",
        "deepseek-ai/DeepSeek-V3",
        "nvidia/Llama-3.3-Nemotron-70B-Reward",
    ],
)
def test_a_model_that_was_not_read_is_not_known(model):
    assert known_license(model) is None


def test_a_page_that_says_less_than_binds_is_told_why():
    assert known_of("deepseek-ai/DeepSeek-R1-Distill-Llama-8B").why.startswith("its page says mit,")
    assert known_of("deepseek-ai/DeepSeek-R1").why is None


@pytest.mark.parametrize("key", sorted(LICENSES))
def test_each_licence_is_of_one_kind(key):
    known = license_of(key)
    assert known.commercial or not known.permissive
    assert not (known.permissive and known.asks)
    assert known.agreement is None or known.notice
    assert known.link or not known.asks


@pytest.mark.parametrize(
    ("key", "title", "is_it"),
    [
        ("llama3", b"META LLAMA 3 COMMUNITY LICENSE AGREEMENT\n\nMeta Llama 3 Version", True),
        ("llama3.3", b"**LLAMA 3.3 COMMUNITY\n LICENSE AGREEMENT**", True),
        ("llama3", b"LLAMA 3.1 COMMUNITY LICENSE AGREEMENT", False),
        ("llama3.3", b"MIT License\n\nCopyright (c) 2023 DeepSeek", False),
        ("mit", b"MIT License", False),
    ],
)
def test_an_agreement_is_told_by_its_title(key, title, is_it):
    assert license_of(key).is_text(title) is is_it


def test_who_alone_may_be_improved():
    assert only_improve(["llama3", "mit", "llama3.1"]) == ("Meta Llama 3",)
    assert only_improve(["llama3", "tongyi-qianwen", "llama3"]) == (
        "Meta Llama 3",
        "Tongyi Qianwen",
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("license: llama3", "license: unknown"),
        ("license: llama3", "license: other"),
        ("{id: demo, license: llama3}", "{id: lab/model, license: mit}"),
        (
            "response: {max_tokens: 30}\n",
            "response: {max_tokens: 30}\npublish: {repo: a/b, split: c}\n",
        ),
    ],
)
def test_what_is_not_to_be_published_need_not_tell(recipe_file, old, new):
    assert check_recipe(recipe_file(SMALLEST.replace(old, new))) == ()


def test_rows_for_reading_alone_may_be_published(recipe_file):
    text = SMALLEST + (
        "annotate: [quality]\n"
        "judge: {model: {id: lab/judge, license: llama2}, engine: {kind: scripted}}\n"
        "publish: {repo: a/b, split: c, no_training: true}\n"
    )
    assert check_recipe(recipe_file(text)) == ()


@pytest.mark.parametrize(
    ("model", "license_"),
    [("demo", "apache-2.0"), ("google/gemma-2-9b-it", "gemma"), ("lab/model", "other")],
)
def test_a_new_recipe_has_the_licence_of_its_model(recipe_file, model, license_):
    text = new_recipe("my-set", model)
    assert f"  license: {license_}  #" in text
    assert check_recipe(recipe_file(text)) == ()
