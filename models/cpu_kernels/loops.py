"""How the loops of this folder are compiled: once for a machine, and kept on its disk.

numba's cache follows changes of the file that a function stands in, but not of functions in other
files that it calls. So what is kept lies in a folder that is named by all files of this one.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import numba

from antiphon.models.cache import ModelCache

Function = TypeVar("Function", bound=Callable[..., object])
Compiled = TypeVar("Compiled")

# Sums may be taken in any order, which is what makes them fit vector registers. Infinities and NaN
# keep their meaning.
FAST_MATH = {"reassoc", "contract", "nsz", "arcp"}
OPTIONS = {"fastmath": FAST_MATH, "error_model": "numpy"}


def kept_in() -> Path:
    """Where compiled loops are: NUMBA_CACHE_DIR, else beside the cached models."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen)
    sources = sorted(Path(__file__).parent.glob("*.py"))
    digest = sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    return ModelCache.default().root / "loops" / digest[:16]


FOLDER = kept_in()
numba.config.CACHE_DIR = str(FOLDER)


def loop(function: Function) -> Function:
    """For other compiled functions to call."""
    compiled: Function = cached(lambda cache: numba.njit(cache=cache, **OPTIONS)(function))
    return compiled


def cached(compiled: Callable[[bool], Compiled]) -> Compiled:
    """Kept on the disk; where that can't be written to, compiled anew at each start."""
    try:
        with _one_at_a_time():
            return compiled(True)
    except (RuntimeError, OSError):
        return compiled(False)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two processes that keep a loop in the same moment may mix up what they keep."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
