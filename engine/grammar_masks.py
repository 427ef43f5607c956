"""The next masks of all constrained sequences, computed beside the next forward pass."""

import os
from collections.abc import Sequence as Many
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from llguidance import LLExecutor

from antiphon.engine.grammar import SequenceGrammar

MAX_THREADS = 8


class GrammarMasks:
    """One job a step, in one thread that has llguidance's own for the rows.

    A job a row would cost the thread that runs the network more than the masks take.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="grammar-masks")
        self._executor: LLExecutor | None = None

    def prepare(self, grammars: Many[SequenceGrammar]) -> None:
        """Begin to compute their masks; whoever needs one waits for it."""
        if not grammars:
            return
        job = self._thread.submit(self._compute, grammars)
        for grammar in grammars:
            grammar.expect_mask(job)

    def _compute(self, grammars: Many[SequenceGrammar]) -> None:
        if self._executor is None:
            num_threads = min(MAX_THREADS, max(1, (os.cpu_count() or 1) // 2))
            self._executor = LLExecutor(num_threads)
        masks = np.empty((len(grammars), grammars[0].mask_bytes), np.uint8)
        rows = [(grammar.matcher, row) for row, grammar in enumerate(grammars)]
        self._executor.unsafe_compute_mask_ptr(
            rows, masks.ctypes.data, masks.shape[1], masks.shape[0]
        )
        for grammar, mask in zip(grammars, masks, strict=True):
            grammar.take_mask(mask)
