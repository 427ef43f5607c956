"""One turn of a model: what it is given, how it is sampled, and how its output is read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from antiphon.engine.generation import Generation
from antiphon.engine.outputs import SequenceDelta
from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.detokenizer import Detokenizer
from antiphon.models.dialects.dialect import Dialect
from antiphon.models.dialects.parser import DialectParser
from antiphon.models.dialects.segments import Segment
from antiphon.models.dialects.start_state import opens_reasoning
from antiphon.models.dialects.tool_types import ToolTypes
from antiphon.models.language_side import LanguageSide
from antiphon.models.stop_strings import StopStrings
from antiphon.server.output.output_text import OutputText
from antiphon.server.output.token_spans import TokenSpans
from antiphon.server.prompt import Prompt
from antiphon.server.tool_menu import ToolMenu


@dataclass(frozen=True, slots=True)
class Turn:
    """One admitted sampling of the model. Whoever holds it enters and leaves its generation.

    stop          strings that end the output.
    text_is_json  whether the model is held to JSON where it calls nothing.
    """

    prompt: Prompt
    params: SamplingParams
    menu: ToolMenu
    language_side: LanguageSide
    generation: Generation
    stop: Sequence[str] = ()
    text_is_json: bool = False


class TurnReader:
    """From a turn's deltas to the segments of its output.

    token_spans  where log probabilities were asked for: which tokens made which text.
    """

    def __init__(self, turn: Turn) -> None:
        language_side = turn.language_side
        has_logprobs = turn.params.num_top_logprobs is not None
        self.token_spans = TokenSpans(language_side.tokenizer) if has_logprobs else None
        detokenizer = Detokenizer(
            language_side.tokenizer, turn.prompt.token_ids, language_side.hidden_token_ids
        )
        self._text = OutputText(detokenizer, StopStrings(tuple(turn.stop)), self.token_spans)
        self._parser = _parser(turn)

    @property
    def is_stopped(self) -> bool:
        """Whether a stop string has come: nothing after it is shown."""
        return self._text.is_stopped

    def feed(self, delta: SequenceDelta) -> list[Segment]:
        """What is certain now."""
        return self._parser.feed(self._text.feed(delta))

    def finish(self, *, is_cut_off: bool) -> list[Segment]:
        """All the rest. is_cut_off: the tokens ran out before the model was done."""
        return self._parser.finish(is_cut_off=is_cut_off)


def _parser(turn: Turn) -> DialectParser:
    """Where nothing may be called, what looks like a call is text."""
    menu, dialect = turn.menu, _without_special_stops(turn.language_side)
    tools = ToolTypes.from_schemas(menu.schemas()) if menu.callable_names else None
    return DialectParser(
        dialect if menu.callable_names else dialect.without_calls(),
        tools,
        opens_reasoning=opens_reasoning(dialect, turn.prompt.text),
        text_is_json=turn.text_is_json,
    )


def _without_special_stops(language_side: LanguageSide) -> Dialect:
    """A stop token that is special is never shown: where its text stands, the model spelled it."""
    dialect, special = language_side.dialect, language_side.tokenizer.special_ids
    return replace(dialect, stops=tuple(stop for stop in dialect.stops if stop not in special))
