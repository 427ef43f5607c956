"""Prompts that mean nothing: random token ids, the same for the same seed."""

from random import Random


def random_prompts(num_prompts: int, length: int, *, vocab_size: int, seed: int) -> list[list[int]]:
    """A longer list begins with the shorter one of the same seed."""
    random = Random(seed)
    return [[random.randrange(vocab_size) for _ in range(length)] for _ in range(num_prompts)]
