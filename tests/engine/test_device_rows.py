import numpy as np
import pytest
import torch

from antiphon.engine.device_rows import DeviceRows, Field, float_column
from antiphon.engine.rows import Rows
from antiphon.engine.sampling_params import SamplingParams
from antiphon.engine.sequence import Sequence
from antiphon.engine.token_draw import Way


@pytest.fixture
def state() -> DeviceRows:
    return DeviceRows(Rows(), num_rows=4, max_num_blocks=8, device=torch.device("cpu"))


def running(row: int, blocks: list[int], *, seed: int = 3) -> Sequence:
    """Two tokens of prompt, the first of them computed."""
    params = SamplingParams(temperature=0.25, top_k=7, top_p=0.9, min_p=0.1)
    sequence = Sequence(row, [11, 12 + row], params, seed)
    sequence.row, sequence.block_table, sequence.num_computed_tokens = row, blocks, 1
    return sequence


def decode(state: DeviceRows, sequences: list[Sequence], size: int) -> int:
    """A step whose tokens are all 20; returns how many numbers it took to the device."""
    before = state.num_uploaded
    rows = state.update(sequences, size)
    state.records[rows, Field.TOKEN] = 20
    state.records[rows, Field.LENGTH] += 1
    state.advance(rows)
    for sequence in sequences:
        sequence.append(20)
        sequence.num_computed_tokens += 1
    return state.num_uploaded - before


def test_a_row_holds_all_that_a_step_needs_of_its_sequence(state: DeviceRows) -> None:
    state.update([running(2, [5, 9], seed=2**63 - 1)], size=2)
    record = state.records[2:3]
    assert state.step_rows[:2].tolist() == [2, state.trash_row]
    assert state.block_tables[2].tolist() == [5, 9, 0, 0, 0, 0, 0, 0]
    assert record[0, : Field.TEMPERATURE].tolist() == [14, 1, 2**63 - 1, 7, Way.SHORT]
    for field, expected in ((Field.TEMPERATURE, 0.25), (Field.TOP_P, 0.9), (Field.MIN_P, 0.1)):
        assert float_column(record, field).item() == np.float32(expected)


def test_only_what_has_changed_is_copied(state: DeviceRows) -> None:
    sequences = [running(0, [1]), running(3, [2])]
    assert decode(state, sequences, size=2) > 0
    assert decode(state, sequences, size=2) == 0
    sequences[1].block_table.append(7)
    assert decode(state, sequences, size=2) == 2, "a place in the tables, and the block"
    assert state.block_tables[3].tolist() == [2, 7, 0, 0, 0, 0, 0, 0]
    assert decode(state, sequences[:1], size=1) == 0
    assert decode(state, sequences[::-1], size=2) == 2, "the rows of the step"
    sequences[0].append(30)
    sequences[0].num_computed_tokens += 1
    assert decode(state, sequences[::-1], size=2) == 1 + len(Field), "an eager step came between"


def test_a_row_that_changes_hands_is_written_anew(state: DeviceRows) -> None:
    first = running(1, [4, 5, 6])
    decode(state, [first], size=1)
    second = running(1, [8])
    state.update([second], size=1)
    assert state.block_tables[1, 0] == 8
    assert state.records[1, : Field.SEED].tolist() == [13, 1]


def test_a_row_whose_token_somebody_else_chose_is_told_it(state: DeviceRows) -> None:
    sequence = running(0, [1])
    rows = state.update([sequence], size=1)
    state.forget(rows)
    sequence.append(33)
    sequence.num_computed_tokens += 1
    state.update([sequence], size=1)
    assert state.records[0, : Field.SEED].tolist() == [33, 2]
