"""An engine whose words depend on what it is asked: scripts by prompt."""

from collections.abc import Callable

from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.language_side import LanguageSide
from tests.fake_engine import FakeEngine, Script

Reply = Callable[[str], Script]


class SpeakingEngine(FakeEngine):
    """`reply` gives the script for a prompt, as text."""

    def __init__(self, language_side: LanguageSide, reply: Reply) -> None:
        super().__init__()
        self._tokenizer = language_side.tokenizer
        self._reply = reply

    def script_for(self, prompt_token_ids: list[int], params: SamplingParams) -> Script:
        return self._reply(self._tokenizer.decode(prompt_token_ids))
