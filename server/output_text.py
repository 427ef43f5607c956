"""From one sequence's deltas to the text that may be shown."""

from antiphon.engine.outputs import FinishReason, SequenceDelta
from antiphon.models.detokenizer import Detokenizer
from antiphon.models.stop_strings import StopStrings


class OutputText:
    """Decodes, hides the stop token, and ends at the first stop string."""

    def __init__(self, detokenizer: Detokenizer, stop_strings: StopStrings) -> None:
        self._detokenizer = detokenizer
        self._stop_strings = stop_strings

    @property
    def is_stopped(self) -> bool:
        """Whether a stop string has come: nothing after it is shown."""
        return self._stop_strings.matched is not None

    def feed(self, delta: SequenceDelta) -> str:
        """The text that is certain now; with the sequence's last delta, all the rest."""
        is_stop = delta.finish_reason is FinishReason.STOP
        token_ids = delta.token_ids[:-1] if is_stop else delta.token_ids
        text = self._stop_strings.feed(self._detokenizer.feed(token_ids))
        return text if delta.finish_reason is None else text + self._rest()

    def _rest(self) -> str:
        text = self._stop_strings.feed(self._detokenizer.finish())
        return text + self._stop_strings.finish()
