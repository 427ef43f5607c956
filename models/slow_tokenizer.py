"""A tokenizer in an older format (SentencePiece, vocabulary and merges, ...) to tokenizer.json."""

from pathlib import Path

from transformers import AutoTokenizer

from antiphon.models.errors import UnsupportedModel


def write_fast_tokenizer(folder: Path, destination: Path) -> None:
    """Write `destination`/tokenizer.json from the folder's tokenizer, through transformers.

    Code that came with the model is never run. Raises UnsupportedModel when it cannot be converted,
    for want of a package (sentencepiece, tiktoken) or because there is no fast form of it.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # each format's own reader has its own ways to fail
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnsupportedModel(f"{folder}: its tokenizer cannot be converted: {reason}") from error
    if not tokenizer.is_fast:
        raise UnsupportedModel(
            f"{folder}: {type(tokenizer).__name__} has no form that tokenizer.json can hold."
        )
    tokenizer.backend_tokenizer.save(str(destination / "tokenizer.json"))
