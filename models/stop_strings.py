"""Stop strings over a text that arrives in pieces. Pure text: knows nothing of tokens."""


class StopStrings:
    """Shows a text up to the first stop string, however the text is cut into pieces.

    The stop that is complete first wins; of two that end together, the longer. What could still
    become a stop is held back until it does or cannot. Raises ValueError for an empty stop string.
    """

    __slots__ = ("_held", "_stops", "matched")

    def __init__(self, stops: tuple[str, ...]) -> None:
        if not all(stops):
            raise ValueError("A stop string must not be empty.")
        self._stops = stops
        self._held = ""
        self.matched: str | None = None

    def feed(self, text: str) -> str:
        """The text that is safe to show now; nothing more once a stop has matched."""
        if not self._stops:
            return text
        if self.matched is not None:
            return ""
        text = self._held + text
        self.matched = self._first_complete(text)
        if self.matched is not None:
            self._held = ""
            return text[: text.index(self.matched)]
        safe = len(text) - self._possible_start_length(text)
        self._held = text[safe:]
        return text[:safe]

    def finish(self) -> str:
        """What was held back and did not become a stop."""
        held, self._held = self._held, ""
        return held

    def _first_complete(self, text: str) -> str | None:
        present = [stop for stop in self._stops if stop in text]
        return min(
            present, key=lambda stop: (text.index(stop) + len(stop), -len(stop)), default=None
        )

    def _possible_start_length(self, text: str) -> int:
        return max((_overlap(text, stop) for stop in self._stops), default=0)


def _overlap(text: str, stop: str) -> int:
    """The length of the longest end of `text` that begins `stop` without completing it."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)
