"""What may be left out of a history, in which order, and what never is."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from antiphon.server.history.cuts import Shortened, stands, with_summary
from antiphon.server.history.placed_item import PlacedItem
from antiphon.server.protocol.input_items import (
    FunctionCallParam,
    ItemParam,
    MessageParam,
    ReasoningItemParam,
    ToolOutputParam,
)


def items_of(shape: str) -> tuple[PlacedItem, ...]:
    """s u a r c o: system, user, assistant, reasoning, call, output of the call before it."""
    placed: list[PlacedItem] = []
    call_id = ""
    for index, kind in enumerate(shape):
        call_id = f"call_{index}" if kind == "c" else call_id
        placed.append(PlacedItem(f"input[{index}]", _item(kind, index, call_id)))
    return tuple(placed)


def _item(kind: str, index: int, call_id: str) -> ItemParam:
    match kind:
        case "r":
            return ReasoningItemParam(type="reasoning", summary=[])
        case "c":
            return FunctionCallParam(
                type="function_call", call_id=call_id, name="f", arguments="{}"
            )
        case "o":
            return ToolOutputParam(type="function_call_output", call_id=call_id, output="ok")
    role = {"s": "system", "u": "user", "a": "assistant"}[kind]
    return MessageParam.model_validate({"role": role, "content": str(index)})


def places(items: Sequence[PlacedItem]) -> list[int]:
    return [int(placed.param[len("input[") : -1]) for placed in items]


def test_oldest_turns_go_first_and_system_messages_stay() -> None:
    kept = [places(shorter) for shorter in Shortened(items_of("suauasua"))]
    assert kept == [[0, 3, 4, 5, 6, 7], [0, 5, 6, 7]]


def test_within_the_last_turn_steps_go_and_what_was_asked_stays() -> None:
    kept = [places(shorter) for shorter in Shortened(items_of("surcorcoa"))]
    assert kept == [[0, 1, 5, 6, 7, 8], [0, 1, 8]]


def test_nothing_can_be_left_out_where_no_user_spoke_or_all_is_one_turn() -> None:
    assert not Shortened(items_of("sa"))
    assert not Shortened(items_of("su"))
    assert not Shortened(())


@given(st.text(alphabet="suac", max_size=24))
def test_shorter_histories_keep_their_order_their_pairs_and_what_stands(shape: str) -> None:
    items = items_of(shape.replace("c", "rco"))
    standing = places([placed for placed in items if stands(placed.item)])
    users = places([placed for placed in items if is_of_user(placed.item)])
    lengths = [len(items)]
    for shorter in Shortened(items):
        kept = places(shorter)
        lengths.append(len(kept))
        assert kept == sorted(kept)
        assert set(standing) <= set(kept)
        assert users[-1] in kept
        for placed in shorter:
            if isinstance(placed.item, ToolOutputParam):
                assert places([placed])[0] - 1 in kept, "the call of an output"
            if isinstance(placed.item, FunctionCallParam):
                assert places([placed])[0] - 1 in kept, "the thought that led to a call"
    assert lengths == sorted(lengths, reverse=True)


def test_output_that_comes_a_turn_later_keeps_its_call() -> None:
    call, output = items_of("co")
    items = (*items_of("ua"), call, *items_of("u"), output, *items_of("au"))
    for shorter in Shortened(items):
        assert (call in shorter) or (output not in shorter)
    assert len(Shortened(items)) > 0


@given(st.text(alphabet="suac", max_size=24))
def test_sizes_are_those_of_what_is_kept(shape: str) -> None:
    items = items_of(shape.replace("c", "rco"))
    shorter = Shortened(items)
    kept = [sum(places(version)) for version in shorter]
    assert shorter.sizes(range(len(items))) == kept


def is_of_user(item: ItemParam) -> bool:
    return isinstance(item, MessageParam) and item.role == "user"


def test_summary_stands_behind_the_system_messages_that_come_first() -> None:
    kept = with_summary("They met.", items_of("ssus"), "here")
    assert [placed.param for placed in kept] == [
        "input[0]",
        "input[1]",
        "here",
        "input[2]",
        "input[3]",
    ]
    summary = kept[2].item
    assert isinstance(summary, MessageParam)
    assert "They met." in str(summary.content)
