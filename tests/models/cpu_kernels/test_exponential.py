import numpy as np

from antiphon.models.cpu_kernels.exponential import exponentiate


def exponentials(values: np.ndarray) -> np.ndarray:
    result = values.astype(np.float32)
    exponentiate(result, np.empty(len(result), np.int32))
    return result


def test_it_is_exp_within_what_float32_can_tell() -> None:
    values = np.linspace(-87, 87, 100_001, dtype=np.float32)
    expected = np.exp(values.astype(np.float64))
    error = np.abs(exponentials(values) / expected - 1)
    assert error.max() < 5e-6
    assert error[np.abs(values) < 1].max() < 3e-7


def test_what_is_too_large_or_too_small_stays_a_number() -> None:
    smallest, largest = exponentials(np.array([-1e30, 1e30]))
    assert 0 < smallest < 1e-37
    assert 1e38 < largest < np.inf
