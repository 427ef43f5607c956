"""An engine that says several things, one after the other."""

import itertools
from collections.abc import Iterable
from dataclasses import replace

from antiphon.engine.generation import EngineCard
from antiphon.engine.outputs import TokenLogprobs
from antiphon.engine.sampling_params import SamplingParams
from tests.fake_engine import FakeEngine, Script


class RecitingEngine(FakeEngine):
    """Each sequence has the next script, and behind the last one the first again.

    Reports log probabilities where they are asked for.
    """

    def __init__(self, card: EngineCard) -> None:
        super().__init__(card=card)
        self.recite([Script()])

    def recite(self, scripts: Iterable[Script]) -> None:
        """Begin with these."""
        self._scripts = itertools.cycle(scripts)

    def script_for(self, prompt_token_ids: list[int], params: SamplingParams) -> Script:
        return _with_logprobs(next(self._scripts), params.num_top_logprobs)


def _with_logprobs(script: Script, num_top: int | None) -> Script:
    if num_top is None:
        return script
    reported = [[_logprobs(token_id, num_top) for token_id in ids] for ids in script.token_ids]
    return replace(script, logprobs=reported)


def _logprobs(token_id: int, num_top: int) -> TokenLogprobs:
    return TokenLogprobs(-0.5, tuple((token_id, -0.5 - place) for place in range(num_top)))
