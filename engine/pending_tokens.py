"""Tokens on their way from the device."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class PendingTokens:
    """A copy that was begun, and the event at its end; None where it is there at once."""

    token_ids: Tensor
    copied: torch.cuda.Event | None

    @classmethod
    def of(cls, token_ids: Tensor) -> Self:
        """Of what stands on the device when all work begun so far is done."""
        if token_ids.device.type != "cuda":
            return cls(token_ids.clone(), None)
        # Pinned: a copy to any other memory would be waited for here.
        on_host = torch.empty(token_ids.shape, dtype=token_ids.dtype, pin_memory=True)
        on_host.copy_(token_ids, non_blocking=True)
        copied = torch.cuda.Event()
        copied.record()
        return cls(on_host, copied)

    def wait(self) -> list[int]:
        if self.copied is not None:
            self.copied.synchronize()
        token_ids: list[int] = self.token_ids.tolist()
        return token_ids
