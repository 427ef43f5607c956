"""Whether a CPU multiplies integers so that 8-bit weights gain by it."""

import torch

LARGEST_BYTE = 127


def has_exact_integers() -> bool:
    """By VNNI. x86 processors without it add pairs of products in 16 bits, which overflow."""
    if not torch.cpu._is_vnni_supported():
        return False
    largest = torch.full((16, 64), LARGEST_BYTE, dtype=torch.int8)
    products = torch._int_mm(largest, largest.t())
    return bool((products == 64 * LARGEST_BYTE**2).all())
