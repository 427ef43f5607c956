"""Text to token ids and back, over tokenizer.json. Knows nothing of chats or templates.

Only what tokenizer.json says is used: a tokenizer that exists in a slow format alone has to be
converted before (`slow_tokenizer.write_fast_tokenizer`).
"""

import itertools
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

import tokenizers

from antiphon.models.errors import UnsupportedModel
from antiphon.models.special_tokens import SpecialTokens
from antiphon.models.token_bytes import TokenBytes, decoder_kinds


class Tokenizer:
    """One model's tokenizer. Reading is safe from several threads."""

    __slots__ = (
        "_backend",
        "_bytes",
        "special_ids",
        "special_texts",
        "special_token_ids",
        "special_tokens",
        "vocab_size",
    )

    def __init__(self, backend: tokenizers.Tokenizer, special: SpecialTokens) -> None:
        backend.no_truncation()
        backend.no_padding()
        _complete_added_tokens(backend, special)
        self._backend = backend
        self._bytes = TokenBytes(backend)
        self.special_tokens: Mapping[str, str] = special.named
        """bos_token, eos_token, ... to their text: what a chat template may refer to."""
        self.special_token_ids = _special_token_ids(backend, special)
        self.special_ids: Mapping[str, int] = {
            self.token_bytes(id_).decode(errors="replace"): id_ for id_ in self.special_token_ids
        }
        """Each special token's id by its text."""
        self.special_texts = _special_texts(backend, self.special_token_ids)
        """Finds where a text spells out a special token of two characters or more, if any is."""
        self.vocab_size = 1 + max(backend.get_vocab(with_added_tokens=True).values())
        """One more than the largest id; a model's embedding may have more rows than that."""

    @classmethod
    def from_folder(cls, folder: Path) -> Self:
        """Raises UnsupportedModel when tokenizer.json is missing, broken or cannot be streamed."""
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise UnsupportedModel(_what_is_missing(folder))
        try:
            backend = tokenizers.Tokenizer.from_file(str(path))
        except Exception as error:  # the Rust side raises bare Exception
            raise UnsupportedModel(f"{path} is not a usable tokenizer: {error}.") from error
        _require_streamable(backend, path)
        return cls(backend, SpecialTokens.from_folder(folder))

    def encode(self, text: str) -> list[int]:
        """Special tokens written in the text are recognised; none is added."""
        # Unlike `encode`, the batch call lets other threads run meanwhile.
        return self._backend.encode_batch_fast([text], add_special_tokens=False)[0].ids

    def decode(self, token_ids: Iterable[int]) -> str:
        """The text without special tokens; bytes that are no UTF-8 become U+FFFD."""
        return self._backend.decode(list(token_ids), skip_special_tokens=True)

    def token_bytes(self, token_id: int) -> bytes:
        """What one token adds to a text, special or not; empty for an id without a token."""
        return self._bytes[token_id]

    def token_id(self, text: str) -> int | None:
        """The id of the token that is exactly this text (as tokenizer.json spells it)."""
        return self._backend.token_to_id(text)


def _complete_added_tokens(backend: tokenizers.Tokenizer, special: SpecialTokens) -> None:
    present = backend.get_added_tokens_decoder()
    backend.add_tokens([token for id_, token in special.added.items() if id_ not in present])
    # A named token that the vocabulary lacks is left out: the model has no embedding for it.
    texts = dict.fromkeys([*special.named.values(), *special.extra])
    known = [text for text in texts if text and backend.token_to_id(text) is not None]
    backend.add_special_tokens(
        [tokenizers.AddedToken(text, special=True, normalized=False) for text in known]
    )


def _special_token_ids(backend: tokenizers.Tokenizer, special: SpecialTokens) -> frozenset[int]:
    flagged = {i for i, token in backend.get_added_tokens_decoder().items() if token.special}
    named = {backend.token_to_id(text) for text in (*special.named.values(), *special.extra)}
    return frozenset(flagged | {token_id for token_id in named if token_id is not None})


def _special_texts(
    backend: tokenizers.Tokenizer, token_ids: frozenset[int]
) -> re.Pattern[str] | None:
    texts = [backend.id_to_token(token_id) or "" for token_id in token_ids]
    pattern = _alternation(sorted(text for text in texts if len(text) > 1))
    return re.compile(pattern, re.DOTALL) if pattern else None


def _alternation(texts: list[str]) -> str:
    """Shared beginnings are factored out, so that no text makes the search slow.

    texts, sorted: of two that begin alike the shorter will do, to know where one begins.
    """
    branches: list[str] = []
    for first, group in itertools.groupby(texts, key=lambda text: text[:1]):
        rest = [text[1:] for text in group]
        branches.append(re.escape(first) + ("" if "" in rest else _alternation(rest)))
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})" if branches else ""


def _require_streamable(backend: tokenizers.Tokenizer, path: Path) -> None:
    """Where a token's text depends on its successors, nothing can be shown as it comes."""
    unusable = decoder_kinds(backend) & {"BPEDecoder", "CTC"}
    if unusable:
        raise UnsupportedModel(f"{path}: a {min(unusable)} decoder cannot be streamed.")


def _what_is_missing(folder: Path) -> str:
    slow = [name for name in SLOW_TOKENIZER_FILES if (folder / name).is_file()]
    found = f"only {' and '.join(slow)}" if slow else "nor a tokenizer of an older kind"
    return f"{folder} has no tokenizer.json, {found}."


SLOW_TOKENIZER_FILES = ("tokenizer.model", "vocab.json", "merges.txt", "vocab.txt", "tekken.json")
