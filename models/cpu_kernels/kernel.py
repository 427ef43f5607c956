"""Compiled functions that run on torch's own threads.

numba can share a loop among threads, but among threads of its own: torch's wait for their next work
in a busy loop, and both kinds would fight for the same cores. So a kernel is handed to the OpenMP
that torch has loaded, by the function that GNU compilers call for `#pragma omp parallel`.

Source: GCC's libgomp manual, "Implementing PARALLEL construct".
"""

from collections.abc import Callable
from typing import Any

import numba
from llvmlite import binding
from numba.core import cgutils, sigutils, types
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from antiphon.models.cpu_kernels.loops import OPTIONS, cached, loop
from antiphon.models.cpu_kernels.openmp import openmp_function

Arguments = Any  # the pointer that OpenMP passes on


def _external(name: str, signature: Any) -> Any:  # noqa: ANN401
    """Raises ImportError where it isn't there."""
    address = openmp_function(name)
    if address is None:
        raise ImportError(f"torch came without GNU's OpenMP: no {name}")
    binding.add_symbol(name, address)
    return types.ExternalFunction(name, signature)


_parallel = _external(
    "GOMP_parallel", types.void(types.intp, types.voidptr, types.uint32, types.uint32)
)
_thread_num = _external("omp_get_thread_num", types.int32())
_num_threads = _external("omp_get_num_threads", types.int32())
# Inside a kernel: nobody goes on before all threads are here.
barrier = _external("GOMP_barrier", types.void())


class Kernel:
    """One compiled function, run by several threads at once.

    Each of them takes its share of the work by `thread_share` or `thread_stride`. Arguments of
    other types than those that it was compiled for raise TypeError.
    """

    def __init__(self, function: Callable[[Arguments], None], kinds: types.Tuple) -> None:
        body = types.void(types.voidptr)
        launch = types.void(types.intp, kinds)
        write = types.void(types.intp, kinds)
        # Kept because the code behind its address goes with it.
        self._function = cached(lambda cache: numba.cfunc(body, cache=cache, **OPTIONS)(function))
        self._launch = cached(
            lambda cache: numba.njit(launch, nogil=True, cache=cache, **OPTIONS)(_launch)
        )
        self._write = cached(lambda cache: numba.njit(write, cache=cache, **OPTIONS)(_write))
        context = cpu_target.target_context
        self.address: int = self._function.address
        self.arguments_size: int = context.get_abi_sizeof(context.get_value_type(kinds))

    def __call__(self, *arguments: object) -> None:
        self._launch(self.address, arguments)

    def write(self, address: int, arguments: tuple[object, ...]) -> None:
        """Arguments as the code at `self.address` reads them, `arguments_size` bytes. Who calls it
        keeps the arrays."""
        self._write(address, arguments)


def argument_types(signature: str) -> types.Tuple:
    """`f4[:,::1], i8`: as numba spells them; `::1` is an array in one piece."""
    return types.Tuple(sigutils.normalize_signature(f"void({signature})")[0])


def kernel(kinds: types.Tuple) -> Callable[[Callable[[Arguments], None]], Kernel]:
    """Makes a kernel of a function that begins with `unpack(arguments, kinds)`."""
    return lambda function: Kernel(function, kinds)


@intrinsic
def unpack(_: Any, arguments: Any, kinds: Any) -> Any:  # noqa: ANN401
    """What the kernel was called with."""
    kind = kinds.instance_type

    def generate(context: Any, builder: Any, _: Any, values: Any) -> Any:  # noqa: ANN401
        pointer = builder.bitcast(values[0], context.get_value_type(kind).as_pointer())
        return _borrowed(context, builder, kind, builder.load(pointer))

    return kind(arguments, kinds), generate


def _borrowed(context: Any, builder: Any, kind: Any, value: Any) -> Any:  # noqa: ANN401
    """Without owners: threads that count references together wait for each other all the time."""
    if isinstance(kind, types.BaseTuple):
        parts = zip(kind, cgutils.unpack_tuple(builder, value), strict=True)
        return context.make_tuple(
            builder, kind, [_borrowed(context, builder, *part) for part in parts]
        )
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        array.parent = cgutils.get_null_value(array.parent.type)
        return array._getvalue()
    return value


@intrinsic
def _address_of(_: Any, arguments: Any) -> Any:  # noqa: ANN401
    """Of a copy on the stack of the function that asks."""

    def generate(_context: Any, builder: Any, _: Any, values: Any) -> Any:  # noqa: ANN401
        return builder.bitcast(cgutils.alloca_once_value(builder, values[0]), cgutils.voidptr_t)

    return types.voidptr(arguments), generate


@loop
def thread_share(num_items: int) -> tuple[int, int]:
    """The first item of this thread, and the one behind its last."""
    thread, num_threads = _thread_num(), _num_threads()
    return num_items * thread // num_threads, num_items * (thread + 1) // num_threads


@loop
def thread_stride() -> tuple[int, int]:
    """For `range(first, num_items, step)`, where neighbouring items take unequal time."""
    return _thread_num(), _num_threads()


def _launch(address: int, arguments: tuple[Any, ...]) -> None:
    num_threads = 0  # as many as torch has in the thread that calls
    _parallel(address, _address_of(arguments), num_threads, 0)


def _write(address: int, arguments: tuple[Any, ...]) -> None:
    _store(address, arguments)


@intrinsic
def _store(_: Any, address: Any, arguments: Any) -> Any:  # noqa: ANN401
    def generate(context: Any, builder: Any, _: Any, values: Any) -> Any:  # noqa: ANN401
        builder.store(values[1], builder.inttoptr(values[0], values[1].type.as_pointer()))
        return context.get_dummy_value()

    return types.void(types.intp, arguments), generate
