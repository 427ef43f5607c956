"""Rotary position embeddings. Source: RoFormer (Su et al., 2021), in the layout of GPT-NeoX."""

from antiphon.models.cpu_kernels.kernel import (
    Arguments,
    argument_types,
    kernel,
    thread_share,
    unpack,
)

ARGUMENTS = argument_types("f4[:,:,:], f4[:,::1], f4[:,::1], f4[:,:,::1]")


@kernel(ARGUMENTS)
def rotate(arguments: Arguments) -> None:
    """Turn the first rotary_dim numbers of each head; the rest stays.

    states, output  [num_tokens, heads, dim]
    cosines, sines  [num_tokens, rotary_dim]
    """
    states, cosines, sines, output = unpack(arguments, ARGUMENTS)
    rotary_dim = cosines.shape[1]
    half = rotary_dim // 2
    start, behind = thread_share(len(states))
    for token in range(start, behind):
        cosine, sine = cosines[token], sines[token]
        for head in range(states.shape[1]):
            source, target = states[token, head], output[token, head]
            for index in range(half):
                first, second = source[index], source[half + index]
                target[index] = first * cosine[index] - second * sine[index]
                target[half + index] = second * cosine[half + index] + first * sine[half + index]
            for index in range(rotary_dim, len(source)):
                target[index] = source[index]
