from antiphon.engine.rows import Rows
from antiphon.engine.sampling_params import SamplingParams
from antiphon.engine.sequence import Sequence


def sequence_in(row: int, table: list[int], temperature: float = 1.0) -> Sequence:
    sequence = Sequence(row, [1], SamplingParams(temperature=temperature), seed=0)
    sequence.row, sequence.block_table = row, table
    return sequence


def test_a_block_table_that_grows_is_followed() -> None:
    rows, sequence = Rows(), sequence_in(3, [5])
    assert rows.update([sequence]).tolist() == [3]
    sequence.block_table += [9, 7]
    rows.update([sequence])
    assert rows.block_tables[3, :4].tolist() == [5, 9, 7, 0]


def test_a_row_that_another_sequence_takes_keeps_nothing_of_the_last_one() -> None:
    rows = Rows()
    rows.update([sequence_in(1, [5, 6, 7], temperature=0.5)])
    rows.update([sequence_in(1, [8], temperature=0.25)])
    assert rows.block_tables[1, :3].tolist() == [8, 0, 0]
    assert rows.sampling["temperature"][1] == 0.25


def test_a_table_that_was_cut_and_grew_again_is_followed() -> None:
    rows, sequence = Rows(), sequence_in(0, [5, 6])
    rows.update([sequence])
    sequence.block_table = [5]
    rows.update([sequence])
    assert rows.block_tables[0, :2].tolist() == [5, 0]
    sequence.block_table.append(7)
    rows.update([sequence])
    assert rows.block_tables[0, :2].tolist() == [5, 7]


def test_rows_and_tables_grow_as_needed_and_keep_what_they_hold() -> None:
    rows, first = Rows(), sequence_in(0, [5])
    rows.update([first])
    rows.update([first, sequence_in(100, list(range(1, 400)))])
    assert rows.block_tables[0, :2].tolist() == [5, 0]
    assert rows.block_tables[100, 398] == 399
