"""A tiny tokenizer and a tiny random Llama, made on the spot: what most tests run.

Only `write_tiny_llama` needs torch, and imports it when called: language-side tests stay light.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

CHATML_TEMPLATE = (
    "{% for message in messages %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")

CORPUS = (
    "The capital of France is Paris. The river runs through the city, and the city sleeps.",
    "def add(first: int, second: int) -> int:\n    return first + second\n",
    '{"name": "get_weather", "arguments": {"city": "Oslo", "days": 3}}',
    "<think>\nLet me think about it, step by step.\n</think>\n\nThe answer is 42.",
    "<tool_call>\n{}\n</tool_call> user assistant system tool",
    "Ægir så øya. Zażółć gęślą jaźń. こんにちは世界。你好世界。👋🏽 🇳🇴",
    "You are a helpful assistant. Hello! How are you today? I am fine, thank you.",
)


def train_tokenizer(
    folder: Path, *, vocab_size: int = 512, chat_template: str | None = CHATML_TEMPLATE
) -> Path:
    """Train a byte-level BPE into `folder` (tokenizer.json and its config); returns the folder.

    Ids 0, 1, 2 are <|endoftext|> (pad), <|im_start|> (bos), <|im_end|> (eos). Every text
    round-trips, as all 256 bytes are in the vocabulary. `vocab_size` is an upper bound of at
    least 259; the corpus is good for about 500.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=1,
        show_progress=False,
        special_tokens=[AddedToken(token, special=True) for token in SPECIAL_TOKENS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    _write_json(folder / "tokenizer_config.json", _tokenizer_config(chat_template))
    return folder


def replace_with_slow_tokenizer(folder: Path) -> None:
    """Leave the folder with GPT-2's old pair of files instead of tokenizer.json."""
    model = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    merges = "\n".join(" ".join(merge) for merge in model["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", encoding="utf-8")
    _write_json(folder / "vocab.json", model["vocab"])
    (folder / "tokenizer.json").unlink()
    config = _tokenizer_config(CHATML_TEMPLATE)
    changes = {"tokenizer_class": "GPT2Tokenizer", "unk_token": "<|endoftext|>"}
    _write_json(folder / "tokenizer_config.json", config | changes)


def write_tiny_llama(
    folder: Path,
    *,
    vocab_size: int = 512,
    seed: int = 0,
    max_position_embeddings: int = 512,
    chat_template: str | None = CHATML_TEMPLATE,
    **config_changes: object,
) -> Path:
    """Write a whole model folder: tokenizer, configs and float32 model.safetensors (< 1 MB).

    The same arguments give the same weights. `config_changes` override fields of LlamaConfig.
    Ids between the tokenizer's size and `vocab_size` decode to nothing, as in many real models.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    train_tokenizer(folder, vocab_size=vocab_size, chat_template=chat_template)
    fields: dict[str, Any] = {
        "vocab_size": vocab_size,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": max_position_embeddings,
        "tie_word_embeddings": True,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        # The usual 0.02 leaves logits so flat that greedy decoding hangs on rounding.
        "initializer_range": 0.2,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(LlamaConfig(**fields | config_changes))
    model.save_pretrained(folder)
    return folder


def _tokenizer_config(chat_template: str | None) -> dict[str, Any]:
    config: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<|im_start|>",
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "clean_up_tokenization_spaces": False,
        "model_max_length": 512,
    }
    return config if chat_template is None else config | {"chat_template": chat_template}


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False), encoding="utf-8")
