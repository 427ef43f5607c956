"""The vector registers of this processor, and code for them.

A compiler decides by itself what of a loop stays in registers, and decides wrongly for the loops
that take all the time. Those are spelled operation by operation, in LLVM's own terms.
"""

from collections.abc import Iterator
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


def each_case(builder: Value, count: Value, limit: int) -> Iterator[int]:
    """For code that names as many registers as `count` says, from 1 to `limit`: one after another,
    of which `count` chooses when it runs. Above the limit nothing is done."""
    end = builder.append_basic_block("end")
    cases = builder.switch(count, end)
    for number in range(1, limit + 1):
        block = builder.append_basic_block(f"case{number}")
        cases.add_case(INDEX(number), block)
        builder.position_at_end(block)
        yield number
        builder.branch(end)
    builder.position_at_end(end)


class Sums:
    """Registers full of zeros, to be added to."""

    def __init__(self, builder: Value, count: int) -> None:
        self._builder = builder
        self._places = [cgutils.alloca_once_value(builder, zeros()) for _ in range(count)]
        for place in self._places:
            builder.store(zeros(), place)  # as the code may be one turn of a loop

    def add_product(self, index: int, left: Value, right: Value) -> None:
        place = self._places[index]
        total = multiply_add(self._builder, left, right, self._builder.load(place))
        self._builder.store(total, place)

    def values(self) -> list[Value]:
        return [self._builder.load(place) for place in self._places]


def zeros() -> Value:
    return ir.Constant(FLOATS, [0.0] * LANES)


def words(number: int) -> Value:
    """The same number in all lanes."""
    return ir.Constant(WORDS, [number] * LANES)


def row_of(builder: Value, array: Value, row: int) -> Value:
    """The address of the first number of a row of a two-dimensional array of float32."""
    stride = cgutils.unpack_tuple(builder, array.strides)[0]
    offset = builder.mul(stride, stride.type(row))
    return cgutils.pointer_add(builder, array.data, offset, FLOAT.as_pointer())


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
