"""The files of the shipped demo model agree; the model itself runs in a slow test."""

import importlib.util
import json
import struct
from pathlib import Path

import pytest
from tokenizers import Tokenizer

import builder

FOLDER = Path(builder.__file__).parent / "demo_model"
LARGEST = 8_000_000
SPECIAL = ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(FOLDER / "tokenizer.json"))


@pytest.fixture(scope="module")
def settings() -> dict:
    return json.loads((FOLDER / "tokenizer_config.json").read_text(encoding="utf-8"))


def test_the_model_is_small_and_is_gguf():
    path = FOLDER / "model.gguf"
    assert path.stat().st_size <= LARGEST
    with path.open("rb") as file:
        magic, version = struct.unpack("<4sI", file.read(8))
    assert magic == b"GGUF"
    assert version == 3


def test_the_vocabularies_agree(tokenizer):
    config = json.loads((FOLDER / "config.json").read_text(encoding="utf-8"))
    assert tokenizer.get_vocab_size() == config["vocab_size"]
    generation = json.loads((FOLDER / "generation_config.json").read_text(encoding="utf-8"))
    assert tokenizer.token_to_id("<|eot_id|>") in generation["eos_token_id"]
    assert generation["eos_token_id"] == config["eos_token_id"]
    assert generation["bos_token_id"] == tokenizer.token_to_id("<|begin_of_text|>")


def test_the_special_tokens_agree(tokenizer, settings):
    for number, token in settings["added_tokens_decoder"].items():
        assert tokenizer.token_to_id(token["content"]) == int(number)
        assert token["special"]
    assert settings["bos_token"] == "<|begin_of_text|>"
    assert settings["eos_token"] == "<|eot_id|>"
    assert all(len(tokenizer.encode(t, add_special_tokens=False).ids) == 1 for t in SPECIAL)


def test_text_survives_the_tokenizer(tokenizer):
    text = "¿Qué tal? Grüße aus Zürich: 127 + 4 = 131.\n\n```python\nprint('hi')\n```"
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False).ids) == text


def test_the_chat_template_renders_as_llama_3(settings):
    jinja2 = pytest.importorskip("jinja2")
    template = jinja2.Environment(autoescape=False).from_string(settings["chat_template"])
    messages = [{"role": "system", "content": "Be brief. "}, {"role": "user", "content": " Hi\n"}]
    shown = template.render(
        messages=messages, bos_token=settings["bos_token"], add_generation_prompt=True
    )
    assert shown == (
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    )


def test_the_card_names_its_licence_and_how_to_reproduce_it():
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\n")
    assert "license: apache-2.0" in card.split("---")[1]
    assert "python -m builder.demo_model.training.train" in card


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="xllamacpp is missing")
def test_the_model_writes_different_instructions_and_ends_them():
    from builder.demo_model.training.sampling import PRE_QUERY, Sampler

    drawn = Sampler(FOLDER).complete([PRE_QUERY] * 200, 256, temperature=1.0, seed=7)
    assert all(one.ended and one.text for one in drawn)
    assert len({one.text for one in drawn}) >= 180
