"""Uniform numbers that depend on a sequence's seed and a token's position, and on nothing else.

So a sequence samples the same tokens alone, in any batch, after a preemption and on any device.
Source: SplitMix64 (Steele, Lea and Flood, 2014, "Fast splittable pseudorandom number generators").
"""

_MASK = 2**64 - 1
_GOLDEN_GAMMA = 0x9E3779B97F4A7C15


def uniform(seed: int, position: int) -> float:
    """A number in [0, 1), one for each pair of arguments."""
    return (_mix(_mix(seed & _MASK) + (position + 1) * _GOLDEN_GAMMA) >> 11) * 2.0**-53


def _mix(state: int) -> int:
    state &= _MASK
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB & _MASK
    return state ^ (state >> 31)
