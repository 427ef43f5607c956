"""The OpenMP that torch has loaded for everybody in the process."""

import ctypes


def openmp_function(name: str) -> int | None:
    """Its address; None where torch came without GNU's OpenMP or one that stands in for it."""
    function = getattr(ctypes.CDLL(None), name, None)
    return None if function is None else ctypes.cast(function, ctypes.c_void_p).value


def has_openmp() -> bool:
    """Whether kernels of this folder run here."""
    return openmp_function("GOMP_parallel") is not None
