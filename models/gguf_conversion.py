"""A GGUF file to a plain safetensors folder, once: loading GGUF costs over 15 times as much.

Reading is transformers' own. What it leaves unfit for serving is mended here: the model can be
saved, a matrix that was stored twice is tied again, and ends of text that GGUF drops are put back.
"""

from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cosine_similarity
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GgufConfig,
    PreTrainedTokenizerBase,
)

from antiphon.models.errors import UnsupportedModel
from antiphon.models.progress import Progress
from antiphon.models.transformers_bars import reported_gguf_bars

# Two quantizations of one matrix differ by rounding alone; two trained matrices are nowhere near.
SAME_MATRIX_COSINE = 0.99

# GGUF carries one end token where a model's own generation config often lists these too.
ENDS_OF_TEXT = ("<|endoftext|>", "<|end_of_text|>", "<|eot_id|>", "<|eom_id|>")


def convert_gguf(gguf: Path, destination: Path, progress: Progress) -> None:
    """Write weights (bfloat16), configs and tokenizer into the existing folder `destination`.

    Raises UnsupportedModel for a file or an architecture that transformers cannot read.
    """
    progress("Reading the GGUF file", 0, None, "steps")
    with reported_gguf_bars(progress):
        tokenizer, model = _load(gguf)
        _forget_quantization(model)
        _tie_again(model)
        _complete_ends(model, tokenizer)
        model.save_pretrained(destination)
        tokenizer.save_pretrained(destination)
    for file in destination.iterdir():
        file.chmod(0o644)  # safetensors writes 0600


def _load(gguf: Path) -> tuple[PreTrainedTokenizerBase, Any]:
    try:
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        model = AutoModelForCausalLM.from_pretrained(
            gguf.parent,
            gguf_file=gguf.name,
            dtype=torch.bfloat16,
            quantization_config=GgufConfig(dequantize=True),
        )
    except Exception as error:  # readers of a foreign format fail in every way there is
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnsupportedModel(f"{gguf} cannot be converted: {reason}") from error
    return tokenizer, model


def _forget_quantization(model: Any) -> None:  # noqa: ANN401
    """Nothing is quantized any more, but the marks that it was forbid saving."""
    model.hf_quantizer = None
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config


def _tie_again(model: Any) -> None:  # noqa: ANN401
    """Share one matrix between embedding and head where the file holds two copies of it.

    The head's copy is kept: files give it at least the embedding's precision.
    """
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    if (
        head is None
        or head.weight is embedding.weight
        or head.weight.shape != embedding.weight.shape
    ):
        return
    flat = (head.weight.detach().flatten().float(), embedding.weight.detach().flatten().float())
    if cosine_similarity(*flat, dim=0) > SAME_MATRIX_COSINE:
        embedding.weight = head.weight
        model.config.tie_word_embeddings = True


def _complete_ends(model: Any, tokenizer: PreTrainedTokenizerBase) -> None:  # noqa: ANN401
    vocabulary = tokenizer.get_vocab()
    others = [vocabulary[text] for text in ENDS_OF_TEXT if text in vocabulary]
    own = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
    if own or others:
        model.generation_config.eos_token_id = list(dict.fromkeys([*own, *others]))
        model.generation_config._from_model_config = False  # else transformers may make it anew
