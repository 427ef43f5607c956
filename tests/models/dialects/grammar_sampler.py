"""Texts that a grammar accepts: drawn at random, or checked."""

import random
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from itertools import compress

import regex
from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

NUM_BYTES = 256
EOS = NUM_BYTES
LIKELY = frozenset(range(0x20, 0x7F)) | {0x09, 0x0A}
CLOSING = frozenset(b"\"'])}>")
# Where a text gets this long, brackets and quotes are preferred; past the second it is given up.
LONG, TOO_LONG = 120, 900
MAX_TRIES = 20


class Vocabulary:
    """One token for each byte, one for the end, and special tokens."""

    def __init__(self, special_tokens: Sequence[str]) -> None:
        self.tokens = [bytes([byte]) for byte in range(NUM_BYTES)] + [b"\xff<end>"]
        self.tokens += [b"\xff" + token.encode() for token in special_tokens]
        self.eos_token_id = EOS
        self.bos_token_id = None
        self.special_token_ids = list(range(EOS, len(self.tokens)))

    def __call__(self, text: str | bytes) -> list[int]:
        return list(text.encode() if isinstance(text, str) else text)


class GrammarSampler:
    """Draws texts; the special tokens are written out in them."""

    def __init__(self, special_tokens: Sequence[str] = ()) -> None:
        tokenizer = LLTokenizer(TokenizerWrapper(Vocabulary(special_tokens)))
        # A text is drawn by one grammar and checked by another; then come the next two.
        self._fresh = lru_cache(maxsize=2)(partial(LLMatcher, tokenizer))
        self._special_tokens = list(special_tokens)
        pieces = "|".join(map(regex.escape, special_tokens)) or "(?!)"
        self._special = regex.compile(f"({pieces})")

    @property
    def special_ids(self) -> Mapping[str, int]:
        return {token: EOS + 1 + index for index, token in enumerate(self._special_tokens)}

    def accepts(self, grammar: str, text: str) -> bool:
        matcher = self._matcher(grammar)
        tokens = self.encode(text)
        if matcher.validate_tokens(tokens) < len(tokens):
            return False
        matcher.consume_tokens(tokens)
        return matcher.is_accepting()

    def draw(self, grammar: str, generator: random.Random, *, likely: Sequence[str] = ()) -> str:
        """A text that it accepts. likely: texts that are tried now and then, where they fit."""
        tries = (self._try(self._matcher(grammar), generator, likely) for _ in range(MAX_TRIES))
        text = next((text for text in tries if text is not None), None)
        assert text is not None, "no text comes to an end"
        return text.decode()

    def encode(self, text: str) -> list[int]:
        tokens: list[int] = []
        for piece in self._special.split(text):
            tokens += [self.special_ids[piece]] if piece in self._special_tokens else piece.encode()
        return tokens

    def _matcher(self, grammar: str) -> LLMatcher:
        matcher = self._fresh(grammar).deep_copy()
        assert not matcher.is_error(), matcher.get_error()
        return matcher

    def _try(
        self, matcher: LLMatcher, generator: random.Random, likely: Sequence[str]
    ) -> bytes | None:
        """None where it does not come to an end."""
        text = b""
        tokens = range(EOS + 1 + len(self._special_tokens))
        for position in range(TOO_LONG):
            if likely and position % 8 == 7:
                text += self._hint(matcher, self.encode(generator.choice(likely)))
            allowed = list(compress(tokens, matcher.compute_logit_bias()))
            can_end = matcher.is_accepting()
            if can_end and (allowed in ([], [EOS]) or generator.random() < 0.2):
                return text
            token = _choose([token for token in allowed if token != EOS], position, generator)
            assert matcher.consume_token(token), matcher.get_error()
            text += self._written(token)
        return None

    def _hint(self, matcher: LLMatcher, tokens: list[int]) -> bytes:
        if matcher.validate_tokens(tokens) < len(tokens):
            return b""
        matcher.consume_tokens(tokens)
        return b"".join(map(self._written, tokens))

    def _written(self, token: int) -> bytes:
        return bytes([token]) if token < EOS else self._special_tokens[token - EOS - 1].encode()


def _choose(allowed: list[int], position: int, generator: random.Random) -> int:
    closing = [token for token in allowed if token in CLOSING or token > EOS]
    if closing and position > LONG and generator.random() < 0.6:
        return generator.choice(closing)
    likely = [token for token in allowed if token in LIKELY or token > EOS]
    return generator.choice(likely if likely and generator.random() < 0.95 else allowed)
