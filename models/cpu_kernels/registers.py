"""The vector registers of this processor, and code for them.

A compiler decides by itself what of a loop stays in registers, and decides wrongly for the loops
that take all the time. Those are spelled operation by operation, in LLVM's own terms.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from llvmlite import ir
from numba.core import cgutils
from numba.core.registry import cpu_target

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
    has_dots  whether it adds up products of bytes, four at a time (VNNI).
    """

    lanes: int
    max_rows: int
    has_dots: bool

    @classmethod
    def of_this_processor(cls) -> Self:
        """As numba compiles for it."""
        _, _, listed = cpu_target.target_context.codegen().magic_tuple()
        features = listed.split(",")
        if "+avx512f" in features:
            return cls(lanes=16, max_rows=12, has_dots="+avx512vnni" in features)
        if "+avx2" in features:
            return cls(lanes=8, max_rows=6, has_dots="+avxvnni" in features)
        return cls(lanes=4, max_rows=6, has_dots=False)


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

    def __init__(self, builder: Value, count: int, kind: Value = FLOATS) -> None:
        self._builder = builder
        nothing = ir.Constant(kind, None)
        self._places = [cgutils.alloca_once_value(builder, nothing) for _ in range(count)]
        for place in self._places:
            builder.store(nothing, place)  # as the code may be one turn of a loop

    def add_product(self, index: int, left: Value, right: Value) -> None:
        """Of float32 numbers."""
        place = self._places[index]
        total = multiply_add(self._builder, left, right, self._builder.load(place))
        self._builder.store(total, place)

    def add_dots(self, index: int, left: Value, right: Value) -> None:
        """Of unsigned and of signed bytes, four in each lane: to sums of words."""
        place = self._places[index]
        self._builder.store(add_dots(self._builder, left, right, self._builder.load(place)), place)

    def values(self) -> list[Value]:
        return [self._builder.load(place) for place in self._places]


def zeros() -> Value:
    return ir.Constant(FLOATS, [0.0] * LANES)


def words(number: int) -> Value:
    """The same number in all lanes."""
    return ir.Constant(WORDS, [number] * LANES)


def row_of(builder: Value, array: Value, row: int, kind: Value = FLOAT) -> Value:
    """The address of the first number of a row of a two-dimensional array."""
    stride = cgutils.unpack_tuple(builder, array.strides)[0]
    offset = builder.mul(stride, stride.type(row))
    return cgutils.pointer_add(builder, array.data, offset, kind.as_pointer())


def load(builder: Value, pointer: Value, kind: Value = FLOATS) -> Value:
    """From an address that need not be aligned."""
    return builder.load(builder.bitcast(pointer, kind.as_pointer()), align=4)


def store(builder: Value, vector: Value, pointer: Value) -> None:
    builder.store(vector, builder.bitcast(pointer, FLOATS.as_pointer()), align=4)


def load_number(builder: Value, row: Value, index: Value) -> Value:
    return builder.load(builder.gep(row, [index]))


def splat(builder: Value, number: Value) -> Value:
    """One number, float or word, in all lanes."""
    undefined = ir.Constant(ir.VectorType(number.type, LANES), ir.Undefined)
    first = builder.insert_element(undefined, number, WORD(0))
    return builder.shuffle_vector(first, undefined, words(0))


def multiply_add(builder: Value, left: Value, right: Value, total: Value) -> Value:
    """left * right + total, rounded once where the processor can."""
    kind = ir.FunctionType(FLOATS, [FLOATS] * 3)
    name = f"llvm.fmuladd.v{LANES}f32"
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(function, [left, right, total])


def as_is(builder: Value, vector: Value) -> Value:
    """A sum or product that nothing around it may be mixed with: loops are compiled with leave to
    reorder, and code for another number of rows might be reordered otherwise."""
    kind = ir.FunctionType(FLOATS, [FLOATS])
    name = f"llvm.arithmetic.fence.v{LANES}f32"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [vector])


def add_dots(builder: Value, left: Value, right: Value, total: Value) -> Value:
    """total + the sum of four products of bytes in each lane: unsigned ones of `left`, signed of
    `right`. Only where the processor `has_dots`."""
    fours = ir.VectorType(ir.IntType(8), 4 * LANES)
    name = f"llvm.x86.avx512.vpdpbusd.{32 * LANES}"
    kind = ir.FunctionType(WORDS, [WORDS, fours, fours])
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(
        function, [total, *(builder.bitcast(side, fours) for side in (left, right))]
    )
