import numpy as np

from antiphon.engine.random_stream import uniforms


def uniform(seed: int, position: int) -> float:
    return float(uniforms(np.array([seed % 2**64], np.uint64), np.array([position]))[0])


def test_numbers_in_columns_are_those_that_one_computes_one_by_one() -> None:
    assert uniform(1, 5) == uniform_by_hand(1, 5)
    assert uniform(-(2**63), 100_000) == uniform_by_hand(-(2**63), 100_000)


def uniform_by_hand(seed: int, position: int) -> float:
    """The same in Python's own numbers."""
    state = mixed(seed) + (position + 1) * 0x9E3779B97F4A7C15
    return (mixed(state) >> 11) * 2.0**-53


def mixed(state: int) -> int:
    state %= 2**64
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB % 2**64
    return state ^ (state >> 31)


def test_numbers_depend_on_seed_and_position_alone() -> None:
    assert uniform(1, 5) == uniform(1, 5)
    assert len({uniform(seed, position) for seed in range(50) for position in range(50)}) == 2500


def test_numbers_lie_in_the_half_open_unit_interval_for_any_seed() -> None:
    seeds = (-(2**63), -1, 0, 1, 2**63 - 1)
    assert all(0 <= uniform(seed, position) < 1 for seed in seeds for position in range(100))


def test_numbers_are_spread_evenly() -> None:
    numbers = [uniform(seed, position) for seed in range(100) for position in range(100)]
    counts = [sum(low / 10 <= number < (low + 1) / 10 for number in numbers) for low in range(10)]
    assert all(850 < count < 1150 for count in counts), counts  # 5 standard deviations
    assert 0.49 < sum(numbers) / len(numbers) < 0.51
