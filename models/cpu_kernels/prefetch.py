"""Asking for memory before it is needed."""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from antiphon.models.cpu_kernels.arrays import Floats
from antiphon.models.cpu_kernels.loops import loop

LINE = 16  # float32 numbers in 64 bytes


@loop
def prefetch(numbers: Floats) -> None:
    """A one-dimensional array in one piece, into the nearest cache."""
    for index in range(0, len(numbers), LINE):
        _prefetch_line(numbers, index)


@intrinsic
def _prefetch_line(_: Any, numbers: Any, index: Any) -> Any:  # noqa: ANN401
    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:  # noqa: ANN401
        array = context.make_array(signature.args[0])(context, builder, values[0])
        prefetch_address(builder, builder.gep(array.data, [values[1]]))
        return context.get_dummy_value()

    return types.void(numbers, types.intp), generate


def prefetch_address(builder: Any, address: Any) -> None:  # noqa: ANN401
    """Code for it; the address may lie behind the memory's end."""
    number = ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
    place = builder.bitcast(address, cgutils.voidptr_t)
    builder.call(function, [place, number(0), number(3), number(1)])  # to be read, and soon
