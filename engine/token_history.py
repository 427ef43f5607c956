"""Which tokens a sequence holds, and how often it has written each: what penalties go by."""

import numpy as np
from numpy.typing import NDArray

from antiphon.engine.sampling_params import SamplingParams

Integers = NDArray[np.int64]


class TokenHistory:
    """Counts that grow and shrink with the end of a sequence, a token at a time.

    Tokens of the prompt are in it, with a count of 0, only where a repetition penalty asks for
    them.
    """

    def __init__(self, prompt_token_ids: list[int], params: SamplingParams) -> None:
        known = list(dict.fromkeys(prompt_token_ids)) if params.repetition_penalty != 1.0 else []
        self._places = {token_id: place for place, token_id in enumerate(known)}
        self._num_known = len(known)  # these stay, though their counts be 0
        self._token_ids = np.array([*known, 0], dtype=np.int64)
        self._counts = np.zeros(len(known) + 1, dtype=np.int64)

    @property
    def token_ids(self) -> Integers:
        """[num_distinct] in the order of their first appearance; valid until the next change."""
        return self._token_ids[: len(self._places)]

    @property
    def counts(self) -> Integers:
        """[num_distinct] how often each is in the output; valid until the next change."""
        return self._counts[: len(self._places)]

    def append(self, token_id: int) -> None:
        place = self._places.setdefault(token_id, len(self._places))
        if place == len(self._token_ids):
            self._token_ids = np.pad(self._token_ids, (0, place))
            self._counts = np.pad(self._counts, (0, place))
        self._token_ids[place] = token_id
        self._counts[place] += 1

    def pop(self, token_id: int) -> None:
        """Take the last token back."""
        place = self._places[token_id]
        self._counts[place] -= 1
        if self._counts[place] == 0 and place >= self._num_known:
            del self._places[token_id]  # it was the last to appear: nothing stands behind it
