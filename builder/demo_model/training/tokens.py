"""Makes the tokenizer: byte-level BPE with the special tokens and the chat template of Llama 3."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from builder.demo_model.training.judging import JUDGES, prompt

VOCABULARY = 4096
BEGIN, END = "<|begin_of_text|>", "<|end_of_text|>"
HEADER, HEADER_END, TURN_END = "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"
PAD = "<|finetune_right_pad_id|>"
SPECIAL = (
    BEGIN,
    END,
    "<|reserved_special_token_0|>",
    "<|reserved_special_token_1|>",
    PAD,
    "<|reserved_special_token_2|>",
    HEADER,
    HEADER_END,
    "<|eom_id|>",
    TURN_END,
    "<|python_tag|>",
    *(f"<|reserved_special_token_{number}|>" for number in range(3, 8)),
)
# How Llama 3 cuts text before merging; llama.cpp knows this rule by the name `llama-bpe`.
_LETTERS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CUT = _LETTERS + r"|\p{N}{1,3}" + _REST
# For the training of the merges each digit stands alone: sums are easier to learn digit by digit.
_CUT_DIGITS = _LETTERS + r"|\p{N}" + _REST
CHAT_TEMPLATE = (
    "{{- bos_token }}"
    "{%- for message in messages %}"
    "{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' }}"
    "{{- message['content'] | trim + '<|eot_id|>' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}"
    "{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}"
    "{%- endif %}"
)


def train_tokenizer(corpus: Path, most_chats: int = 60_000) -> Tokenizer:
    """Learn the merges from the first chats of a corpus."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = _cut(_CUT_DIGITS)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(corpus, most_chats), trainer)
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.pre_tokenizer = _cut(CUT)
    tokenizer.decoder = decoders.ByteLevel()
    begin = tokenizer.token_to_id(BEGIN)
    template = processors.TemplateProcessing(
        single=f"{BEGIN} $A", pair=f"{BEGIN} $A {BEGIN}:1 $B:1", special_tokens=[(BEGIN, begin)]
    )
    byte_level = processors.ByteLevel(trim_offsets=False)
    tokenizer.post_processor = processors.Sequence([byte_level, template])
    return tokenizer


def write_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Write `tokenizer.json` and `tokenizer_config.json` the way Llama 3 ships them."""
    tokenizer.save(str(folder / "tokenizer.json"))
    added = {
        str(tokenizer.token_to_id(token)): {
            "content": token,
            "lstrip": False,
            "normalized": False,
            "rstrip": False,
            "single_word": False,
            "special": True,
        }
        for token in SPECIAL
    }
    settings: dict[str, Any] = {
        "added_tokens_decoder": added,
        "bos_token": BEGIN,
        "chat_template": CHAT_TEMPLATE,
        "clean_up_tokenization_spaces": False,
        "eos_token": TURN_END,
        "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": 2048,
        "pad_token": PAD,
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    text = json.dumps(settings, ensure_ascii=False, indent=2)
    (folder / "tokenizer_config.json").write_text(text + "\n", encoding="utf-8")


def token_id(tokenizer: Tokenizer, token: str) -> int:
    """Return the number of a token that must be there."""
    number = tokenizer.token_to_id(token)
    if number is None:
        raise ValueError(f"the tokenizer has no token {token}")
    return int(number)


def _cut(pattern: str) -> pre_tokenizers.PreTokenizer:
    pieces = pre_tokenizers.Split(Regex(pattern), "isolated")
    as_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return pre_tokenizers.Sequence([pieces, as_bytes])


def _texts(corpus: Path, most_chats: int) -> Iterator[str]:
    with corpus.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number >= most_chats:
                break
            chat = json.loads(line)
            # A judge's prompt is the same each time: it would crowd out everything else.
            turns: Iterable[dict[str, str]] = chat["messages"]
            yield from (t["content"] for t in turns if "judge" not in chat or t["role"] != "user")
    for judge in JUDGES:
        yield from [prompt(judge)] * 400
