"""How much speaks for a dialect besides what it can read: many read each other's calls."""

from collections.abc import Iterable
from dataclasses import dataclass

from antiphon.models.dialects.dialect import Dialect
from antiphon.models.probe_turn import ProbeTurn
from antiphon.models.template_probe import BARE_TOOL_NAME, TOOL_NAME
from antiphon.models.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a dialect's markers may be met: the template, a prompt, the vocabulary.

    text  the template's source and what it rendered; many templates glue markers together.
    """

    text: str
    tokenizer: Tokenizer | None

    def has(self, marker: str) -> bool:
        return marker in self.text or self._is_token(marker)

    def has_call(self, dialect: Dialect) -> bool:
        """Whether something is there that opens a call."""
        tags = (*dialect.calls, *dialect.sections)
        return any(
            map(self.has, filter(None, (*(pair.open for pair in tags), *dialect.bare_calls)))
        )

    def has_reasoning(self, dialect: Dialect) -> bool:
        """Whether the tags are there that the model itself writes around its thinking."""
        own = dialect.reasoning[:1]
        return any(self.has(tags.open.strip()) and self.has(tags.close.strip()) for tags in own)

    def weight(self, dialect: Dialect) -> tuple[bool, int, int]:
        """The larger, the likelier: the turn's end is its own, and the more markers it knows.

        The text alone is asked: vocabularies are full of tokens for another model's dialect.
        """
        markers = {text for text in _tag_texts(dialect) if text}
        num_present = sum(marker in self.text for marker in markers)
        num_absent = len(markers) - num_present
        has_stop = any(stop in self.text for stop in dialect.stops)
        return has_stop, num_present - num_absent, num_present

    def _is_token(self, text: str) -> bool:
        return self.tokenizer is not None and self.tokenizer.token_id(text) is not None


def _tag_texts(dialect: Dialect) -> Iterable[str]:
    for tags in (*dialect.calls, *dialect.reasoning, *dialect.sections):
        yield from (tags.open, tags.close)


def num_misspelled(turn: ProbeTurn, dialect: Dialect) -> int:
    """How many pieces of a call the template writes otherwise than the dialect's model would."""
    spelling = dialect.spelling
    if spelling is None:
        return 0
    names = (TOOL_NAME, BARE_TOOL_NAME)[: len(turn.calls)]
    pieces = [spelling.begin.replace("{name}", name) for name in names]
    pieces += [spelling.first, spelling.last, spelling.end]
    pieces += [spelling.parameter.replace("{key}", "city"), spelling.parameter_end]
    return sum(piece not in turn.generated for piece in pieces)
