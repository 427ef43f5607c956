from antiphon.engine.random_stream import uniform


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
