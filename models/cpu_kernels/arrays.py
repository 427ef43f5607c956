"""The arrays that kernels take: the memory of torch's tensors under another name.

What a kernel writes to is made as an array, and becomes a tensor: that is the quicker way round.
"""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]
Bytes = NDArray[np.int8]
Words = NDArray[np.uint32]


def as_rows(states: Tensor) -> Floats:
    """[..., dim] -> [num_rows, dim] in one piece, copied only where it isn't."""
    return np.ascontiguousarray(states.numpy().reshape(-1, states.shape[-1]))
