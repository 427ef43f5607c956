"""The tiny Llama as a GGUF file, written as llama.cpp's converter writes it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFWriter, TokenType
from numpy.typing import NDArray
from safetensors.numpy import load_file

LAYER_TENSORS = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def write_tiny_gguf(folder: Path, gguf: Path, *, head_noise: float | None = None) -> Path:
    """Write `gguf` from a folder that `write_tiny_llama` made.

    head_noise: None leaves the head tied; a number writes a second copy of it, off by that much.
    """
    config = json.loads((folder / "config.json").read_text())
    writer = GGUFWriter(gguf, "llama")
    _write_hyperparameters(writer, config)
    _write_tokenizer(writer, folder, config["vocab_size"])
    tensors = load_file(folder / "model.safetensors")
    for name, tensor in tensors.items():
        writer.add_tensor(_gguf_name(name), _permuted(name, tensor, config))
    if head_noise is not None:
        embedding = tensors["model.embed_tokens.weight"]
        noise = np.random.default_rng(0).normal(0, head_noise, embedding.shape)
        writer.add_tensor("output.weight", (embedding + noise).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return gguf


def _write_hyperparameters(writer: GGUFWriter, config: dict[str, Any]) -> None:
    writer.add_name("Tiny")
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    writer.add_vocab_size(config["vocab_size"])


def _write_tokenizer(writer: GGUFWriter, folder: Path, vocab_size: int) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    by_id = {token_id: token for token, token_id in tokenizer["model"]["vocab"].items()}
    special = {token["id"] for token in tokenizer["added_tokens"]}
    tokens = [by_id.get(token_id, f"[PAD{token_id}]") for token_id in range(vocab_size)]
    unused = range(len(by_id), vocab_size)
    kinds = [TokenType.CONTROL if i in special else TokenType.NORMAL for i in range(vocab_size)]
    for token_id in unused:
        kinds[token_id] = TokenType.UNUSED
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(merge) for merge in tokenizer["model"]["merges"]])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(0)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    writer.add_chat_template(settings["chat_template"])


def _gguf_name(name: str) -> str:
    whole = {
        "model.embed_tokens.weight": "token_embd.weight",
        "model.norm.weight": "output_norm.weight",
    }
    if name in whole:
        return whole[name]
    _, _, layer, rest = name.split(".", 3)
    return f"blk.{layer}.{LAYER_TENSORS[rest.removesuffix('.weight')]}.weight"


def _permuted(
    name: str, tensor: NDArray[np.float32], config: dict[str, Any]
) -> NDArray[np.float32]:
    """llama.cpp rotates neighbouring pairs, transformers the two halves of a head."""
    heads = {
        "q_proj": config["num_attention_heads"],
        "k_proj": config["num_key_value_heads"],
    }
    num_heads = next((count for part, count in heads.items() if part in name), None)
    if num_heads is None:
        return tensor
    halves = tensor.reshape(num_heads, 2, -1, tensor.shape[1])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(tensor.shape))
