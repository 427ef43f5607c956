"""Rotary position embeddings. Source: RoFormer (Su et al., 2021), in the layout of GPT-NeoX."""

from antiphon.models.cpu_kernels.arrays import Floats
from antiphon.models.cpu_kernels.kernel import (
    Arguments,
    argument_types,
    kernel,
    thread_share,
    unpack,
)
from antiphon.models.cpu_kernels.loops import loop

ARGUMENTS = argument_types("f4[:,:,:], f4[:,::1], f4[:,::1], f4[:,:,::1]")


@loop
def rotate_head(head: Floats, cosine: Floats, sine: Floats, output: Floats) -> None:
    """One head; `output` may not be the head itself."""
    rotary_dim = len(cosine)
    half = rotary_dim // 2
    for index in range(half):
        first, second = head[index], head[half + index]
        output[index] = first * cosine[index] - second * sine[index]
        output[half + index] = second * cosine[half + index] + first * sine[half + index]
    for index in range(rotary_dim, len(head)):
        output[index] = head[index]


@kernel(ARGUMENTS)
def rotate(arguments: Arguments) -> None:
    """Turn the first rotary_dim numbers of each head; the rest stays.

    states, output  [num_tokens, heads, dim]
    cosines, sines  [num_tokens, rotary_dim]
    """
    states, cosines, sines, output = unpack(arguments, ARGUMENTS)
    start, behind = thread_share(len(states))
    for token in range(start, behind):
        for head in range(states.shape[1]):
            rotate_head(states[token, head], cosines[token], sines[token], output[token, head])
