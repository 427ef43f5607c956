"""From one product's outputs to queries, and to keys and values in their slots of the cache."""

from antiphon.models.cpu_kernels.arrays import Floats
from antiphon.models.cpu_kernels.kernel import (
    Arguments,
    argument_types,
    kernel,
    thread_share,
    unpack,
)
from antiphon.models.cpu_kernels.loops import loop
from antiphon.models.cpu_kernels.rms_norm import normalize
from antiphon.models.cpu_kernels.rotary import rotate_head

NORM = "Tuple((f4[::1], i8, f8))"
PLACES = "Tuple((f4[:,::1], f4[:,::1], i8[::1]))"
STATES = "Tuple((f4[:,:,:,::1], f4[:,:,:,::1]))"
ARGUMENTS = argument_types(
    f"f4[:,:,::1], f4[:,::1], {NORM}, {NORM}, {PLACES}, {STATES}, f4[:,:,::1]"
)
Norm = tuple[Floats, int, float]


@loop
def _place(head: Floats, norm: Norm, cosine: Floats, sine: Floats, output: Floats) -> None:
    weight, offset, epsilon = norm
    if len(weight):
        normalize(head, weight, offset, epsilon, head)
    rotate_head(head, cosine, sine, output)


@kernel(ARGUMENTS)
def place_heads(arguments: Arguments) -> None:
    """
    heads   [num_tokens, num_heads + 2 * num_kv_heads, dim]: queries, keys, values; scratch after it
    bias    [num_heads + 2 * num_kv_heads, dim], or no rows
    norms   of queries and of keys, each over one head: weight, what is added to it, epsilon; the
            weight has no numbers where there is no norm
    places  cosines and sines, [num_tokens, rotary_dim], and slots, [num_tokens]
    states  keys and values, [num_blocks, block_size, num_kv_heads, dim]
    query   [num_tokens, num_heads, dim], is written to
    """
    heads, bias, query_norm, key_norm, places, states, query = unpack(arguments, ARGUMENTS)
    (cosines, sines, slots), (keys, values) = places, states
    block_size, num_kv_heads = keys.shape[1], keys.shape[2]
    num_heads = query.shape[1]
    first, behind = thread_share(len(heads))
    for token in range(first, behind):
        block, place = slots[token] // block_size, slots[token] % block_size
        own, cosine, sine = heads[token], cosines[token], sines[token]
        for head in range(len(bias)):
            own[head] += bias[head]
        for head in range(num_heads):
            _place(own[head], query_norm, cosine, sine, query[token, head])
        for head in range(num_kv_heads):
            _place(own[num_heads + head], key_norm, cosine, sine, keys[block, place, head])
            values[block, place, head] = own[num_heads + num_kv_heads + head]
