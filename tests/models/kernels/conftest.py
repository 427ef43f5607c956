"""What the kernels' tests share: where kernels run."""

import os
from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(scope="session")
def device() -> torch.device:
    """The GPU, else a CPU under Triton's interpreter."""
    if torch.cuda.is_available():
        return torch.device("cuda:0")
    if os.environ.get("TRITON_INTERPRET") != "1":
        pytest.skip("torch sees no CUDA GPU here, and Triton's interpreter is off")
    return torch.device("cpu")


@pytest.fixture(autouse=True)
def same_numbers_every_time() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield
