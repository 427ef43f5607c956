"""The vector registers of this processor, and code for them.

A compiler decides by itself what of a loop stays in registers, and decides wrongly for the loops
that take all the time. Those are spelled operation by operation, in LLVM's own terms.
"""

from dataclasses import dataclass
from typing import Any, Self

from llvmlite import binding, ir
from numba.core import cgutils

Value = Any  # of LLVM: llvmlite has no types of its own
FLOAT = ir.FloatType()
WORD = ir.IntType(32)
INDEX = ir.IntType(64)


@dataclass(frozen=True, slots=True)
class Registers:
    """
    lanes     float32 numbers in one of them.
    max_rows  of a product that are worked on at once: each takes two registers, and three or four
              are needed beside them.
    """

    lanes: int
    max_rows: int

    @classmethod
    def of_this_processor(cls) -> Self:
        features = binding.get_host_cpu_features()
        if features.get("avx512f"):
            return cls(lanes=16, max_rows=12)
        if features.get("avx2"):
            return cls(lanes=8, max_rows=6)
        return cls(lanes=4, max_rows=6)


REGISTERS = Registers.of_this_processor()
LANES = REGISTERS.lanes
FLOATS = ir.VectorType(FLOAT, LANES)
WORDS = ir.VectorType(WORD, LANES)


def zeros() -> Value:
    return ir.Constant(FLOATS, [0.0] * LANES)


def words(number: int) -> Value:
    """The same number in all lanes."""
    return ir.Constant(WORDS, [number] * LANES)


def load(builder: Value, pointer: Value, kind: Value = FLOATS) -> Value:
    """From an address that need not be aligned."""
    return builder.load(builder.bitcast(pointer, kind.as_pointer()), align=4)


def store(builder: Value, vector: Value, pointer: Value) -> None:
    builder.store(vector, builder.bitcast(pointer, FLOATS.as_pointer()), align=4)


def splat(builder: Value, number: Value) -> Value:
    """One float32 in all lanes."""
    undefined = ir.Constant(FLOATS, ir.Undefined)
    first = builder.insert_element(undefined, number, WORD(0))
    return builder.shuffle_vector(first, undefined, words(0))


def multiply_add(builder: Value, left: Value, right: Value, total: Value) -> Value:
    """left * right + total, rounded once where the processor can."""
    kind = ir.FunctionType(FLOATS, [FLOATS] * 3)
    name = f"llvm.fmuladd.v{LANES}f32"
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(function, [left, right, total])
