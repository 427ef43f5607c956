"""Kernels that run one after the other in one call, with arguments that they were bound to before.

For a few tokens the way through Python from one kernel to the next takes a third as long as the
kernels themselves. What changes from call to call is the contents of the arrays.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from antiphon.models.cpu_kernels.kernel import (
    Arguments,
    Kernel,
    argument_types,
    barrier,
    kernel,
    unpack,
)

ARGUMENTS = argument_types("i8[::1], i8[::1]")


class BoundKernel:
    """A kernel and its arguments, whose memory stays where it is.

    Raises TypeError for arguments of other types than those that it was compiled for.
    """

    def __init__(self, kernel: Kernel, *arguments: object) -> None:
        self._kept = kernel, arguments
        self._memory = np.empty(kernel.arguments_size, np.uint8)
        self.code = kernel.address
        self.place = self._memory.ctypes.data
        kernel.write(self.place, arguments)


class BoundKernels:
    """All threads run each of them, and wait for each other between two."""

    def __init__(self, kernels: Sequence[BoundKernel]) -> None:
        self._kernels = tuple(kernels)
        self._code = np.array([bound.code for bound in kernels])
        self._places = np.array([bound.place for bound in kernels])

    def run(self) -> None:
        _run_in_turn(self._code, self._places)


@intrinsic
def _call(_: Any, code: Any, place: Any) -> Any:  # noqa: ANN401
    def generate(context: Any, builder: Any, _: Any, values: Any) -> Any:  # noqa: ANN401
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t])
        function = builder.inttoptr(values[0], kind.as_pointer())
        builder.call(function, [builder.inttoptr(values[1], cgutils.voidptr_t)])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), generate


@kernel(ARGUMENTS)
def _run_in_turn(arguments: Arguments) -> None:
    code, places = unpack(arguments, ARGUMENTS)
    for index in range(len(code)):
        if index > 0:
            barrier()
        _call(code[index], places[index])
