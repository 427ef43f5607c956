"""Fixed strings in a text that arrives in pieces."""

import re
from collections.abc import Iterable

from antiphon.models.dialects.tape import Reading, Tape

# Line ends next to a marker belong to it; further ones are the text's own.
MAX_LINE_ENDS = 16


class Markers:
    """A set of markers to be found in a text; of two at one place, the longer counts."""

    __slots__ = ("_longest", "_pattern", "_prefixes", "_starts")

    def __init__(self, markers: Iterable[str]) -> None:
        ordered = sorted({marker for marker in markers if marker}, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered)) or r"(?!)")
        self._longest = max(map(len, ordered), default=0)
        self._prefixes = frozenset(
            marker[:length] for marker in ordered for length in range(1, len(marker))
        )
        first = {re.escape(marker[0]) for marker in ordered}
        self._starts = re.compile(f"[{''.join(sorted(first))}]" if first else r"(?!)")

    def find(self, tape: Tape) -> tuple[int, int] | None:
        """Where the first marker stands, as text[start:end]; None while none is certain."""
        found = self._pattern.search(tape.text, tape.at)
        if found is None:
            return None
        start, end = found.span()
        longer_is_possible = tape.text[start : start + self._longest] in self._prefixes
        return None if longer_is_possible and not tape.is_ended else (start, end)

    def safe_end(self, tape: Tape) -> int:
        """Up to where the text is certainly no part of a marker, when none was found."""
        text = tape.text
        possible = self._starts.search(text, max(tape.at, len(text) - self._longest + 1))
        while possible is not None:
            if text[possible.start() :] in self._prefixes:
                return possible.start()
            possible = self._starts.search(text, possible.end())
        return len(text)

    def here(self, tape: Tape) -> Reading[str | None]:
        """The marker that stands right here, not consumed; None if there is none."""
        while True:
            rest = tape.text[tape.at : tape.at + self._longest]
            if (rest in self._prefixes or not rest) and not tape.is_ended:
                yield
                continue
            found = self._pattern.match(tape.text, tape.at)
            return found[0] if found else None

    def taken(self, tape: Tape) -> Reading[bool]:
        """Consume the marker that stands right here, if there is one."""
        marker = yield from self.here(tape)
        if marker is not None:
            tape.take(tape.at + len(marker))
        return marker is not None


def before_line_ends(text: str, start: int, end: int) -> int:
    """Where the line ends begin that stand before text[end], at most MAX_LINE_ENDS of them."""
    lowest = max(start, end - MAX_LINE_ENDS)
    while end > lowest and text[end - 1] == "\n":
        end -= 1
    return end
