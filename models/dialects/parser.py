"""The one parser: text in, segments out, for every dialect.

It never raises, and what it finds does not depend on how the text was cut into pieces.
"""

from collections.abc import Generator

from antiphon.models.dialects.call_writer import SegmentWriter
from antiphon.models.dialects.dialect import Dialect
from antiphon.models.dialects.output_reader import OutputReader
from antiphon.models.dialects.segments import Segment
from antiphon.models.dialects.tape import Tape
from antiphon.models.dialects.tool_types import ToolTypes


class DialectParser:
    """Reads one output.

    tools            what was offered, None for nothing: types of tagged values, and the names by
                     which a message of bare JSON is known to be a call.
    opens_reasoning  whether the prompt ended inside the model's thinking.
    text_is_json     whether the model is held to JSON for a text: no marker counts in its strings.
    """

    def __init__(
        self,
        dialect: Dialect,
        tools: ToolTypes | None = None,
        *,
        opens_reasoning: bool = False,
        text_is_json: bool = False,
    ) -> None:
        self._tape = Tape()
        self._output = SegmentWriter()
        reader = OutputReader(dialect, tools, self._tape, self._output, text_is_json=text_is_json)
        self._reading: Generator[None, None, None] = reader.read(opens_reasoning)
        self._is_done = False

    def feed(self, text: str) -> list[Segment]:
        """What is certain now."""
        self._tape.feed(text)
        return self._advance()

    def finish(self, *, is_cut_off: bool) -> list[Segment]:
        """All the rest. is_cut_off: the tokens ran out before the model was done."""
        self._tape.is_ended = True
        self._tape.is_cut_off = is_cut_off
        return self._advance()

    def _advance(self) -> list[Segment]:
        if not self._is_done:
            self._is_done = next(self._reading, self) is self
        return self._output.take()
