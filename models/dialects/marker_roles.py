"""What each marker of a dialect means where it is met."""

from collections.abc import Iterable
from dataclasses import dataclass

from antiphon.models.dialects.dialect import Dialect
from antiphon.models.dialects.markers import Markers


@dataclass(frozen=True, slots=True)
class MarkerRoles:
    """in_text and in_reasoning are the markers with a meaning there."""

    in_text: Markers
    in_reasoning: Markers
    opens_call: frozenset[str]
    closes_call: frozenset[str]
    opens_reasoning: frozenset[str]
    ends_reasoning: frozenset[str]
    opens_section: frozenset[str]
    ends_output: frozenset[str]
    around_text: frozenset[str]

    @classmethod
    def of(cls, dialect: Dialect) -> "MarkerRoles":
        opens_call = _texts(tags.open for tags in dialect.calls) | {*dialect.bare_calls}
        closes_call = _texts(tags.close for tags in dialect.calls if not tags.closes_as_text)
        opens_reasoning = _texts(tags.open for tags in dialect.reasoning)
        closes_reasoning = _texts(tags.close for tags in dialect.reasoning)
        opens_section = _texts(tags.open for tags in dialect.sections)
        opens_answer = _texts(tags.open for tags in dialect.answers)
        ends_output = _texts(dialect.stops) | _texts(tags.close for tags in dialect.sections)
        around_reasoning = opens_reasoning | closes_reasoning | opens_call | opens_section
        return cls(
            in_text=Markers({*around_reasoning, *closes_call, *dialect.dropped, *dialect.stops}),
            in_reasoning=Markers({*around_reasoning, *opens_answer, *dialect.stops}),
            opens_call=opens_call,
            closes_call=closes_call,
            opens_reasoning=opens_reasoning - closes_reasoning,
            ends_reasoning=closes_reasoning | opens_answer | _texts(dialect.stops),
            opens_section=opens_section,
            ends_output=ends_output,
            around_text=opens_reasoning | closes_reasoning | opens_answer,
        )


def _texts(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(text for text in texts if text)
