"""Kernels are tried on one thread, and on more than there is work for some of them."""

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(
    autouse=True,
    params=[
        pytest.param(1, id="one thread"),
        pytest.param(3, id="three threads", marks=pytest.mark.slow),
    ],
)
def num_threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)
