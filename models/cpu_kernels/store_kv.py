"""New keys and values into their slots of the paged cache."""

from antiphon.models.cpu_kernels.arrays import Floats
from antiphon.models.cpu_kernels.kernel import (
    Arguments,
    argument_types,
    kernel,
    thread_share,
    unpack,
)
from antiphon.models.cpu_kernels.loops import loop

NEW = "Tuple((f4[:,:,:], f4[:,:,:]))"
BLOCKS = "Tuple((f4[:,:,:,::1], f4[:,:,:,::1]))"
ARGUMENTS = argument_types(f"{NEW}, {BLOCKS}, i8[::1]")


@loop
def _copy(source: Floats, target: Floats) -> None:
    for head in range(source.shape[0]):
        for index in range(source.shape[1]):
            target[head, index] = source[head, index]


@kernel(ARGUMENTS)
def store_kv(arguments: Arguments) -> None:
    """Every token's keys and values, into its slot.

    new     keys and values, [num_tokens, num_kv_heads, dim]
    blocks  keys and values, [num_blocks, block_size, num_kv_heads, dim]
    slots   [num_tokens]
    """
    (new_keys, new_values), (keys, values), slots = unpack(arguments, ARGUMENTS)
    block_size = keys.shape[1]
    first, behind = thread_share(len(slots))
    for token in range(first, behind):
        block, offset = slots[token] // block_size, slots[token] % block_size
        _copy(new_keys[token], keys[block, offset])
        _copy(new_values[token], values[block, offset])
