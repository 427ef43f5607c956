"""The sum of two blocks' outputs."""

from antiphon.models.cpu_kernels.kernel import (
    Arguments,
    argument_types,
    kernel,
    thread_share,
    unpack,
)

ARGUMENTS = argument_types("f4[:,::1], f4[:,::1], f4[:,::1]")


@kernel(ARGUMENTS)
def add(arguments: Arguments) -> None:
    """output = left + right, all [num_rows, dim]."""
    left, right, output = unpack(arguments, ARGUMENTS)
    first, behind = thread_share(len(left))
    for row in range(first, behind):
        for index in range(left.shape[1]):
            output[row, index] = left[row, index] + right[row, index]
