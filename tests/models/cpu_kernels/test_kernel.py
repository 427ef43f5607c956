"""A kernel's work is shared among torch's threads, and wrong arguments are refused."""

import numpy as np
import pytest
import torch

from antiphon.models.cpu_kernels.arrays import as_rows
from antiphon.models.cpu_kernels.int8_product import multiply


def product(num_rows: int, num_outputs: int, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """By the kernel, and by numpy in float64."""
    numbers = np.random.default_rng(0)
    rows = numbers.standard_normal((num_rows, dim), np.float32)
    weight = numbers.integers(-127, 128, (num_outputs, dim), np.int8)
    scales = numbers.random(num_outputs, np.float32) / 127
    output = np.full((num_rows, num_outputs), np.nan, np.float32)
    multiply(rows, weight, scales, output)
    return output, rows.astype(np.float64) @ (weight * scales[:, None].astype(np.float64)).T


def test_more_threads_than_work_give_every_output() -> None:
    torch.set_num_threads(40)
    output, expected = product(num_rows=3, num_outputs=100, dim=64)
    np.testing.assert_allclose(output, expected, atol=1e-5)


@pytest.mark.parametrize("num_rows", [0, 1, 2, 5, 8, 11])
@pytest.mark.parametrize(("num_outputs", "dim"), [(1, 1), (17, 70), (33, 576), (49, 31)])
def test_eight_bit_weights_multiply_rows_of_any_shape(
    num_rows: int, num_outputs: int, dim: int
) -> None:
    output, expected = product(num_rows, num_outputs, dim)
    np.testing.assert_allclose(output, expected, atol=1e-4)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(np.zeros((2, 8)), id="another type"),
        pytest.param(np.zeros((2, 16), np.float32)[:, ::2], id="not in one piece"),
        pytest.param(np.zeros(8, np.float32), id="too few dimensions"),
    ],
)
def test_other_arguments_than_it_was_compiled_for_are_refused(rows: np.ndarray) -> None:
    with pytest.raises(TypeError):
        multiply(
            rows, np.zeros((3, 8), np.int8), np.ones(3, np.float32), np.zeros((2, 3), np.float32)
        )


def test_rows_are_a_tensor_s_own_memory_where_they_can_be() -> None:
    states = torch.zeros(2, 3, 8)
    as_rows(states)[5, 7] = 1
    assert states[1, 2, 7] == 1
    assert as_rows(states[:, :, ::2]).flags.c_contiguous
