"""Memory that blocks are gathered into, used again by every layer."""

from math import prod

from torch import Tensor


class GatherBuffer:
    """Grows to the largest shape asked for. What was taken before is overwritten by the next taker.

    On a CPU fresh memory costs a page fault every 4 KiB, which is more than the copying itself.
    """

    def __init__(self, like: Tensor) -> None:
        self._memory = like.new_empty(0)

    def take(self, shape: tuple[int, ...]) -> Tensor:
        """An uninitialised tensor of `shape`."""
        if self._memory.numel() < prod(shape):
            self._memory = self._memory.new_empty(prod(shape))
        return self._memory[: prod(shape)].view(shape)
