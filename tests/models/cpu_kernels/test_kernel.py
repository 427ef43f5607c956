"""A kernel's work is shared among torch's threads, and wrong arguments are refused."""

import numpy as np
import pytest
import torch

from antiphon.models.cpu_kernels.addition import add
from antiphon.models.cpu_kernels.arrays import as_rows


@pytest.mark.parametrize("num_rows", [0, 1, 3, 40, 41])
def test_more_threads_than_work_give_every_row(num_rows: int) -> None:
    torch.set_num_threads(40)
    left, right = np.random.default_rng(0).random((2, num_rows, 7), np.float32)
    output = np.full_like(left, np.nan)
    add(left, right, output)
    assert (output == left + right).all()


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(np.zeros((2, 8)), id="another type"),
        pytest.param(np.zeros((2, 16), np.float32)[:, ::2], id="not in one piece"),
        pytest.param(np.zeros(8, np.float32), id="too few dimensions"),
    ],
)
def test_other_arguments_than_it_was_compiled_for_are_refused(rows: np.ndarray) -> None:
    right, output = np.zeros((2, 2, 8), np.float32)
    with pytest.raises(TypeError):
        add(rows, right, output)


def test_rows_are_a_tensor_s_own_memory_where_they_can_be() -> None:
    states = torch.zeros(2, 3, 8)
    as_rows(states)[5, 7] = 1
    assert states[1, 2, 7] == 1
    assert as_rows(states[:, :, ::2]).flags.c_contiguous
