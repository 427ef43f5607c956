"""Token ids to text while they come: never half a character, never a byte late."""

import codecs
from collections.abc import Iterable, Sequence

from antiphon.models.tokenizer import Tokenizer

# UTF-8 finds its feet within three bytes, and a token that shows anything has at least one.
LONGEST_CHARACTER_TAIL = 4


class Detokenizer:
    """Shows one sequence's output.

    All that `feed` and `finish` return, joined, is what decoding prompt and output together adds to
    the prompt's text, hidden tokens left out. Bytes that never become UTF-8 are shown as U+FFFD.

    hidden_token_ids  all special tokens, if nothing else is said.
    """

    __slots__ = ("_hidden_token_ids", "_tokenizer", "_utf8")

    def __init__(
        self,
        tokenizer: Tokenizer,
        prompt_token_ids: Sequence[int],
        hidden_token_ids: frozenset[int] | None = None,
    ) -> None:
        self._tokenizer = tokenizer
        self._hidden_token_ids = (
            tokenizer.special_token_ids if hidden_token_ids is None else hidden_token_ids
        )
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.feed(prompt_token_ids[-LONGEST_CHARACTER_TAIL:])

    def feed(self, token_ids: Iterable[int]) -> str:
        """The text that is certain now; a character's first bytes wait for the rest."""
        hidden = self._hidden_token_ids
        token_bytes = self._tokenizer.token_bytes
        visible = [token_bytes(token_id) for token_id in token_ids if token_id not in hidden]
        return self._utf8.decode(b"".join(visible))

    def finish(self) -> str:
        """What is left of a character that was never completed."""
        return self._utf8.decode(b"", final=True)
