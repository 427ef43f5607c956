"""How large the pieces are that attention works on: a fixed rule, no tuning at run time."""

from dataclasses import dataclass
from typing import Self

import torch
import triton

MIN_ROWS = 16  # the least that a tensor core multiplies
MAX_ROWS = 128
# Keys and values of one step: 64 keys of 128 dimensions in 16 bits.
STEP_BYTES = 2**15
# Pipeline stages per step of loads that is on its way while one is computed with: Triton fetches
# the blocks' numbers a stage before what stands in the blocks.
STAGES_PER_STEP = 2
MAX_STEPS_AHEAD = 2
RESERVED_BYTES = 4 * 2**10  # of shared memory, for what the compiler keeps there besides


@dataclass(frozen=True, slots=True)
class Gpu:
    """What the sizes depend on.

    num_processors       streaming multiprocessors.
    shared_memory_bytes  of one of them, as much as a program can have.
    """

    num_processors: int
    shared_memory_bytes: int

    @classmethod
    def of(cls, device: torch.device) -> Self:
        """The interpreter on a CPU takes any size: there it is an H100's."""
        if device.type != "cuda":
            return cls(num_processors=132, shared_memory_bytes=227 * 2**10)
        properties = torch.cuda.get_device_properties(device)
        # torch's own stubs leave the second out.
        shared = properties.shared_memory_per_block_optin  # type: ignore[attr-defined]
        return cls(properties.multi_processor_count, shared)


@dataclass(frozen=True, slots=True)
class AttentionTile:
    """What one program holds at a time.

    num_rows  query tokens times the heads of a group.
    """

    num_rows: int
    num_keys: int
    num_warps: int
    num_stages: int

    @classmethod
    def fit(
        cls,
        *,
        max_query_len: int,
        group_size: int,
        key_dim: int,
        value_dim: int,
        dtype: torch.dtype,
        gpu: Gpu,
    ) -> Self:
        """Rows that fill a tile for this many tokens, and as many keys as a stage takes."""
        key_bytes = triton.next_power_of_2((padded(key_dim) + padded(value_dim)) * dtype.itemsize)
        step_bytes, most_rows = STEP_BYTES, MAX_ROWS * 512 // max(512, key_bytes)
        if dtype.itemsize > 2:
            # No tensor core multiplies these exactly, and larger tiles overflow the registers.
            step_bytes, most_rows = STEP_BYTES // 2, MIN_ROWS
        wanted_rows = triton.next_power_of_2(max_query_len * group_size)
        num_rows = max(MIN_ROWS, triton.next_power_of_2(group_size), min(wanted_rows, most_rows))
        num_keys = min(128, max(16, step_bytes // key_bytes))
        query_bytes = num_rows * padded(key_dim) * dtype.itemsize
        free_bytes = gpu.shared_memory_bytes - query_bytes - RESERVED_BYTES
        num_steps_ahead = min(MAX_STEPS_AHEAD, free_bytes // (num_keys * key_bytes))
        return cls(
            num_rows=num_rows,
            num_keys=num_keys,
            num_warps=8 if num_rows * max(num_keys, padded(value_dim)) >= 128 * 128 else 4,
            num_stages=1 + STAGES_PER_STEP * max(0, num_steps_ahead),
        )

    def count_for(self, max_query_len: int, group_size: int) -> int:
        """How many tiles hold so many tokens with their heads."""
        return int(triton.cdiv(max_query_len, self.num_rows // group_size))


def padded(dim: int) -> int:
    """Tiles have sides that are powers of two, and at least 16."""
    return max(MIN_ROWS, int(triton.next_power_of_2(dim)))
