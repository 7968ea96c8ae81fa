"""Tokenizer files in the layouts that models on the Hub have."""

import json

import pytest
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, processors

from builder.errors import TemplateError
from builder.recipe.tokenizer_files import load_tokenizer_files
from builder.recipe.tokens import encoder

OLD = {
    "tokenizer_config.json": {
        "bos_token": {"content": "<s>", "special": True},
        "eos_token": "</s>",
        "chat_template": "old",
    },
    "special_tokens_map.json": {"eos_token": {"content": "<end>"}},
}

NEW = {
    "tokenizer_config.json": {
        "bos_token": "<s>",
        "added_tokens_decoder": {
            "0": {"content": "<s>"},
            "7": {"content": "<|end|>"},
            "8": {"content": "<think>", "special": False},
        },
        "chat_template": "older",
    },
    "tokenizer.json": {"added_tokens": [{"id": 9, "content": "<|eot|>"}]},
    "generation_config.json": {"eos_token_id": [9, 7, 99]},
}


def model(folder, files):
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name).write_text(text, encoding="utf-8")
    return load_tokenizer_files("./", "main", folder)


def test_old_layout(tmp_path):
    files = model(tmp_path, OLD)

    assert files.chat_template == "old"
    assert files.template_file == "tokenizer_config.json"
    assert files.special == {"bos_token": "<s>", "eos_token": "<end>"}
    assert (files.bos, files.ends, files.tokenizer, files.revision) == ("<s>", (), None, "")


def test_new_layout(tmp_path):
    files = model(tmp_path, NEW | {"chat_template.jinja": "newest"})

    assert (files.template_file, files.chat_template) == ("chat_template.jinja", "newest")
    assert files.added == ("<s>", "<|end|>", "<|eot|>")
    assert files.ends == ("<|eot|>", "<|end|>")
    assert files.tokenizer == tmp_path / "tokenizer.json"


def test_template_in_its_own_json(tmp_path):
    files = model(tmp_path, NEW | {"chat_template.json": {"chat_template": "beside"}})

    assert (files.template_file, files.chat_template) == ("chat_template.json", "beside")


@pytest.mark.parametrize(
    ("named", "taken"), [(["tool_use", "default"], "default"), (["rag"], "rag")]
)
def test_of_named_templates_the_default_is_taken(named, taken, tmp_path):
    several = [{"name": name, "template": name} for name in named]

    files = model(tmp_path, {"tokenizer_config.json": {"chat_template": several}})

    assert files.chat_template == taken


def test_named_templates_without_a_default(tmp_path):
    several = [{"name": name, "template": name} for name in ("rag", "tool_use")]

    with pytest.raises(TemplateError) as error:
        model(tmp_path, {"tokenizer_config.json": {"chat_template": several}})

    assert str(error.value) == (
        "the model has the chat templates rag, tool_use, and none of them is called default\n"
        "give template.pre_query in the recipe"
    )


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(TemplateError) as error:
        load_tokenizer_files("./none", "main", tmp_path)

    assert str(error.value) == (
        f"model.id: there is no folder {tmp_path / 'none'}\nwrite one that exists, or ORG/NAME"
    )


def test_a_broken_file_is_named(tmp_path):
    with pytest.raises(TemplateError, match=r"tokenizer_config\.json cannot be read: Expecting"):
        model(tmp_path, {"tokenizer_config.json": "{"})


def test_token_ids_have_the_bos_exactly_once(tmp_path):
    vocabulary = {"<s>": 0, "<|user|>": 1, "hi": 2, "[UNK]": 3}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens([AddedToken("<s>"), AddedToken("<|user|>")])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 0)]
    )
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    files = model(tmp_path, {"tokenizer_config.json": {"bos_token": "<s>"}})

    assert tokenizer.encode("<s>hi").ids == [0, 0, 2]
    assert encoder(files)("<s><|user|>hi") == [0, 1, 2]
    assert encoder(files)("hi") == [2]


def test_token_ids_without_a_tokenizer(tmp_path):
    with pytest.raises(TemplateError) as error:
        encoder(model(tmp_path, OLD))

    assert str(error.value) == (
        f"{tmp_path} has no tokenizer.json, so its token ids are unknown\n"
        "name a model that has one; the template itself needs none"
    )
