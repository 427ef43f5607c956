"""Uniform numbers that depend on a sequence's seed and a token's position, and on nothing else.

So a sequence samples the same tokens alone, in any batch, after a preemption, with drafts or
without, and on any device.
Source: SplitMix64 (Steele, Lea and Flood, 2014, "Fast splittable pseudorandom number generators").
"""

from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# Of int64, which wraps around at 2^64 as the algorithm wants it: torch has no unsigned arithmetic.
Words = TypeVar("Words", NDArray[np.int64], Tensor)

_WORD = 2**64
_GOLDEN_GAMMA = 0x9E3779B97F4A7C15 - _WORD
_FIRST_FACTOR = 0xBF58476D1CE4E5B9 - _WORD
_SECOND_FACTOR = 0x94D049BB133111EB - _WORD
_ULP = 2.0**-53


def uniforms(seeds: NDArray[np.uint64], positions: NDArray[np.int64]) -> NDArray[np.float64]:
    """[n] numbers in [0, 1), one for each pair of arguments."""
    return _random_bits(seeds.view(np.int64), positions).astype(np.float64) * _ULP


def uniforms_on_device(seeds: Tensor, positions: Tensor) -> Tensor:
    """The same numbers, float64, where the seeds' bits and the positions are: [n] int64 each."""
    return _random_bits(seeds, positions).to(torch.float64) * _ULP


def _random_bits(seeds: Words, positions: Words) -> Words:
    """53 bits each."""
    return _shifted(_mix(_mix(seeds) + (positions + 1) * _GOLDEN_GAMMA), 11)


def _mix(state: Words) -> Words:
    state = (state ^ _shifted(state, 30)) * _FIRST_FACTOR
    state = (state ^ _shifted(state, 27)) * _SECOND_FACTOR
    return state ^ _shifted(state, 31)


def _shifted(state: Words, count: int) -> Words:
    """To the right, with zeros from the left."""
    shifted: Words = (state >> count) & (_WORD // 2**count - 1)
    return shifted
