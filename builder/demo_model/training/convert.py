"""Writes a trained model as GGUF (q8_0), with the settings files that stand beside it."""

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from tokenizers import Tokenizer

from builder.demo_model.training.llama import Llama, Shape
from builder.demo_model.training.tokens import BEGIN, CHAT_TEMPLATE, END, PAD, TURN_END, token_id

MODEL = "model.gguf"
_NAMES = {
    "embedding.weight": "token_embd.weight",
    "norm.weight": "output_norm.weight",
    "attention_norm": "attn_norm",
    "attention.q": "attn_q",
    "attention.k": "attn_k",
    "attention.v": "attn_v",
    "attention.o": "attn_output",
    "forward_norm": "ffn_norm",
    "gate": "ffn_gate",
    "up": "ffn_up",
    "down": "ffn_down",
}


def write_model(model: Llama, tokenizer: Tokenizer, folder: Path) -> None:
    """Write the GGUF under a temporary name, then put it in place; then the settings files."""
    ready = folder / f".{MODEL}.part"
    writer = gguf.GGUFWriter(ready, "llama")
    _write_sizes(writer, model.shape)
    _write_tokens(writer, tokenizer)
    for name, weight in model.state_dict().items():
        values = np.ascontiguousarray(weight.detach().float().numpy())
        if values.ndim == 1:
            writer.add_tensor(gguf_name(name), values)
        else:
            kind = gguf.GGMLQuantizationType.Q8_0
            packed = gguf.quants.quantize(values, kind)
            writer.add_tensor(gguf_name(name), packed, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    ready.replace(folder / MODEL)
    _write_json(folder / "config.json", _config(model.shape, tokenizer))
    _write_json(folder / "generation_config.json", _generation(tokenizer))


def read_weights(model: Llama, file: Path) -> None:
    """Load the weights of a written model, as exact as q8_0 keeps them."""
    packed = {tensor.name: tensor for tensor in gguf.GGUFReader(file).tensors}
    weights = {}
    for name, weight in model.state_dict().items():
        tensor = packed[gguf_name(name)]
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        weights[name] = torch.from_numpy(values.reshape(weight.shape).copy())
    model.load_state_dict(weights)


def gguf_name(name: str) -> str:
    """Return llama.cpp's name of a tensor: `blocks.0.gate.weight` is `blk.0.ffn_gate.weight`."""
    if name in _NAMES:
        return _NAMES[name]
    _, number, part = name.removesuffix(".weight").split(".", 2)
    return f"blk.{number}.{_NAMES[part]}.weight"


def _write_sizes(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_name("magpie demo model")
    writer.add_license("apache-2.0")
    writer.add_vocab_size(shape.vocabulary)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.key_heads)
    writer.add_key_length(shape.head_width)
    writer.add_value_length(shape.head_width)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_rope_freq_base(shape.theta)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)


def _write_tokens(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    described = json.loads(tokenizer.to_str())
    special = {token["id"] for token in described["added_tokens"]}
    number = tokenizer.get_vocab_size()
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_list([str(tokenizer.id_to_token(i)) for i in range(number)])
    kinds = gguf.TokenType
    writer.add_token_types([kinds.CONTROL if i in special else kinds.NORMAL for i in range(number)])
    merges = described["model"]["merges"]
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in merges])
    writer.add_bos_token_id(token_id(tokenizer, BEGIN))
    writer.add_eos_token_id(token_id(tokenizer, TURN_END))
    writer.add_eot_token_id(token_id(tokenizer, TURN_END))
    writer.add_pad_token_id(token_id(tokenizer, PAD))
    writer.add_add_bos_token(True)
    writer.add_chat_template(CHAT_TEMPLATE)


def _config(shape: Shape, tokenizer: Tokenizer) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "bos_token_id": token_id(tokenizer, BEGIN),
        "eos_token_id": [token_id(tokenizer, END), token_id(tokenizer, TURN_END)],
        "head_dim": shape.head_width,
        "hidden_act": "silu",
        "hidden_size": shape.width,
        "intermediate_size": shape.inner,
        "max_position_embeddings": shape.context,
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": shape.heads,
        "num_hidden_layers": shape.layers,
        "num_key_value_heads": shape.key_heads,
        "pad_token_id": token_id(tokenizer, PAD),
        "rms_norm_eps": shape.epsilon,
        "rope_theta": shape.theta,
        "tie_word_embeddings": True,
        "vocab_size": shape.vocabulary,
    }


def _generation(tokenizer: Tokenizer) -> dict[str, Any]:
    return {
        "bos_token_id": token_id(tokenizer, BEGIN),
        "do_sample": True,
        "eos_token_id": [token_id(tokenizer, END), token_id(tokenizer, TURN_END)],
        "pad_token_id": token_id(tokenizer, PAD),
        "temperature": 1.0,
        "top_k": 0,
        "top_p": 1.0,
    }


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
