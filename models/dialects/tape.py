"""Text that arrives in pieces, read by generators that pause where the rest has not come yet.

A reader decides by what stands on the tape and by where it ends, never by how it was cut into
pieces: that is why a parse is the same however the text was fed.
"""

from collections.abc import Generator
from typing import TypeVar

import regex

T = TypeVar("T")
Reading = Generator[None, None, T]
"""A reader: yields to wait for more text, returns what it read."""


class Malformed(Exception):
    """What stands on the tape cannot be what is being read."""


class Ended(Malformed):
    """The text ended in the middle of it."""


class Tape:
    """The text that is not consumed yet.

    text, at     what is known of it; the next character is text[at].
    is_ended     no more text will come.
    is_cut_off   it ended because its tokens ran out, not because the model was done.
    """

    __slots__ = ("_log", "_num_marks", "_offset", "at", "is_cut_off", "is_ended", "text")

    def __init__(self) -> None:
        self.text = ""
        self.at = 0
        self.is_ended = False
        self.is_cut_off = False
        self._offset = 0
        self._log: list[str] = []
        self._num_marks = 0

    @property
    def offset(self) -> int:
        """Where the next character stands in the whole text."""
        return self._offset + self.at

    def feed(self, text: str) -> None:
        self._offset += self.at
        self.text = self.text[self.at :] + text
        self.at = 0

    def take(self, end: int) -> str:
        """Consume up to text[end]."""
        taken = self.text[self.at : end]
        self.at = end
        if self._num_marks and taken:
            self._log.append(taken)
        return taken

    def mark(self) -> int:
        """Remember what is consumed from here on, until `forget`; marks may be nested."""
        self._num_marks += 1
        return len(self._log)

    def since(self, mark: int) -> str:
        """All that was consumed after `mark`."""
        return "".join(self._log[mark:])

    def forget(self) -> None:
        """Drop the last mark that was set."""
        self._num_marks -= 1
        if not self._num_marks:
            self._log.clear()

    def peek(self) -> Reading[str]:
        """The next character; empty at the end of the text."""
        while self.at >= len(self.text):
            if self.is_ended:
                return ""
            yield
        return self.text[self.at]

    def next(self) -> Reading[str]:
        """Consume the next character. Raises Ended."""
        character = yield from self.peek()
        if not character:
            raise Ended
        return self.take(self.at + 1)

    def skip_space(self) -> Reading[str]:
        """Consume white space; returns the character behind it, empty at the end."""
        while True:
            character = yield from self.peek()
            if not character.isspace():
                return character
            end = self.at + 1
            while end < len(self.text) and self.text[end].isspace():
                end += 1
            self.take(end)

    def expect(self, character: str) -> Reading[None]:
        """Consume white space and this character. Raises Malformed."""
        found = yield from self.skip_space()
        if found != character:
            raise Malformed if found else Ended
        self.take(self.at + 1)

    def match(self, pattern: "regex.Pattern[str]") -> Reading["regex.Match[str] | None"]:
        """What the pattern matches right here, not consumed; None if it cannot match.

        The pattern must have a bounded length and must not end in something optional.
        """
        while True:
            found = pattern.match(self.text, self.at, partial=not self.is_ended)
            if found is None or not found.partial:
                return found
            yield

    def missing(self, pattern: "regex.Pattern[str]") -> Malformed:
        """What to raise where the pattern does not match: Ended if with more text it might."""
        is_begun = pattern.match(self.text, self.at, partial=True) is not None
        return Ended() if is_begun else Malformed()

    def matched(self, pattern: "regex.Pattern[str]") -> Reading["regex.Match[str] | None"]:
        """The same, consumed."""
        found = yield from self.match(pattern)
        if found is not None:
            self.take(found.end())
        return found
