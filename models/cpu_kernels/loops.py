"""How the loops of this folder are compiled: once for a machine, and kept on its disk.

numba's cache follows changes of the file that a function stands in, but not of functions in other
files that it calls.
"""

from collections.abc import Callable
from typing import TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., object])
Compiled = TypeVar("Compiled")

# Sums may be taken in any order, which is what makes them fit vector registers. Infinities and NaN
# keep their meaning.
FAST_MATH = {"reassoc", "contract", "nsz", "arcp"}
OPTIONS = {"fastmath": FAST_MATH, "error_model": "numpy"}


def loop(function: Function) -> Function:
    """For other compiled functions to call."""
    compiled: Function = cached(lambda cache: numba.njit(cache=cache, **OPTIONS)(function))
    return compiled


def cached(compiled: Callable[[bool], Compiled]) -> Compiled:
    """Kept on the disk; where no folder can be written to, compiled anew at each start."""
    try:
        return compiled(True)
    except RuntimeError:
        return compiled(False)
