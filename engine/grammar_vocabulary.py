"""A model's tokens in the form in which llguidance matches them against a grammar."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from llguidance import LLTokenizer, TokenizerWrapper

from antiphon.models.tokenizer import Tokenizer

# llguidance's trie holds no longer ones; a grammar spells such a text with shorter tokens.
MAX_TOKEN_BYTES = 250
# What marks a token that no text can spell, only its name in a grammar.
SPECIAL_PREFIX = b"\xff"
END_NAME = b"<|end of the grammar|>"
# Characters that tokens seldom share with what follows.
ANCHORS = ("\n", "\x02")


@dataclass(frozen=True, slots=True)
class GrammarVocabulary:
    """Made in about 4 us per token, of which half hold the interpreter's lock.

    size  tokens; every mask has one bit more, for an end that no model can sample. llguidance
          allows it where a text may end, and which token then ends a sequence is for its
          parameters to say.
    """

    backend: LLTokenizer
    size: int

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> Self:
        source = _TokenSource(tokenizer)
        backend = LLTokenizer(TokenizerWrapper(source), eos_token=tokenizer.vocab_size)
        source.spell_greedily = backend.greedy_tokenize
        return cls(backend, tokenizer.vocab_size)

    @property
    def mask_bytes(self) -> int:
        """Of one mask: whole words of 32 bits, token 0 in the lowest bit of the first byte."""
        return -(-(self.size + 1) // 32) * 4


class _TokenSource:
    """What llguidance's TokenizerWrapper asks for; it calls the object to tokenize."""

    bos_token_id = None

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.eos_token_id = tokenizer.vocab_size
        self.special_token_ids: list[int] = []  # the prefix says it already
        self.tokens = [self._bytes(token_id) for token_id in range(tokenizer.vocab_size)]
        self.tokens.append(SPECIAL_PREFIX + END_NAME)
        self.spell_greedily: Callable[[str], list[int]] = _spell_nothing

    def __call__(self, text: bytes) -> list[int]:
        """How the model would spell a text that is forced: in tokens of exactly these bytes.

        Encoding alone is not that. Many tokenizers put a space before a text, which what goes
        before here prevents; and a special token must not stand for its name in a text.
        """
        decoded = text.decode(errors="replace")
        for before in ("", *ANCHORS):
            num_before = len(self._tokenizer.encode(before))
            token_ids = self._tokenizer.encode(before + decoded)[num_before:]
            if b"".join(self.tokens[token_id] for token_id in token_ids) == text:
                return token_ids
        token_ids = self.spell_greedily(decoded)
        # It leaves out bytes that no token has. From there on nothing is right.
        return token_ids[: self._num_spelled(token_ids, text)]

    def _num_spelled(self, token_ids: list[int], text: bytes) -> int:
        """How many of the tokens stand one behind the other in the text, from its beginning."""
        start = 0
        for index, token_id in enumerate(token_ids):
            if not text.startswith(self.tokens[token_id], start):
                return index
            start += len(self.tokens[token_id])
        return len(token_ids)

    def _bytes(self, token_id: int) -> bytes:
        token_bytes = self._tokenizer.token_bytes(token_id)
        if token_id in self._tokenizer.special_token_ids:
            return SPECIAL_PREFIX + token_bytes
        return token_bytes if len(token_bytes) <= MAX_TOKEN_BYTES else b""


def _spell_nothing(text: str) -> list[int]:
    return []
