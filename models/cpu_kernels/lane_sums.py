"""The lanes of many registers added up, each register's to one number, all at once.

Registers are folded in pairs: half of the sums of one beside half of the sums of the other, until
one register is left. One at a time would take three times as many operations.
"""

from llvmlite import ir

from antiphon.models.cpu_kernels.registers import LANES, WORDS, Value

SEGMENT = 4  # lanes: narrower groups than that change places within one at no cost


def add_lanes(builder: Value, vectors: list[Value]) -> Value:
    """LANES vectors to one, whose lane i is the sum of the lanes of the i-th."""
    ordered: list[Value] = [None] * LANES
    for vector, place in zip(vectors, _order(), strict=True):
        ordered[place] = vector
    for width in _widths():
        first, second = (ir.Constant(WORDS, lanes) for lanes in _folded_lanes(width))
        ordered = [
            builder.fadd(
                builder.shuffle_vector(left, right, first),
                builder.shuffle_vector(left, right, second),
            )
            for left, right in _pairs(ordered)
        ]
    return ordered[0]


def _widths() -> list[int]:
    """Of the groups of lanes that are added to their neighbours, in turn."""
    return [LANES >> step for step in range(1, LANES.bit_length())]


def _pairs(vectors: list[Value]) -> list[tuple[Value, Value]]:
    half = len(vectors) // 2
    return list(zip(vectors[:half], vectors[half:], strict=True))


def _folded_lanes(width: int) -> tuple[list[int], list[int]]:
    """Every second group of two vectors' lanes, and the groups beside them."""
    block = LANES if width >= SEGMENT else min(SEGMENT, LANES)
    firsts = [
        vector + group
        for start in range(0, LANES, block)
        for vector in (0, LANES)
        for group in range(start, start + block, 2 * width)
    ]
    lanes = [first + lane for first in firsts for lane in range(width)]
    return lanes, [lane + width for lane in lanes]


def _order() -> list[int]:
    """Which vector's sum each lane of the result holds: foldings change their places."""
    sources = [[index] * LANES for index in range(LANES)]
    for width in _widths():
        lanes, _ = _folded_lanes(width)
        sources = [[(left + right)[lane] for lane in lanes] for left, right in _pairs(sources)]
    return sources[0]
