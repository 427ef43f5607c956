"""Asking for memory before it is needed."""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic


@intrinsic
def prefetch_number(_: Any, numbers: Any, offset: Any) -> Any:  # noqa: ANN401
    """The line of memory with the number that so many others stand before."""

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
