"""What the tests here share: the device, and float32 that is float32."""

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(scope="session")
def cuda() -> torch.device:
    return torch.device("cuda:0")


@pytest.fixture(scope="session", autouse=True)
def exact_float32() -> Iterator[None]:
    """TF32 keeps 10 bits of the mantissa, and torch allows it for convolutions by default."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    allowed = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = False
    yield
    matmul.allow_tf32, cudnn.allow_tf32 = allowed
