"""Responses that are saved, replaced, read, continued and deleted."""

import time
from dataclasses import replace

import pytest

from antiphon.server.store.encoding import decode_events, encode_events
from antiphon.server.store.errors import (
    ChainBroken,
    ConversationNotFound,
    ItemNotFound,
    ResponseNotFound,
)
from antiphon.server.store.store import Store, StoreConfig
from tests.server.store.databases import lasting
from tests.server.store.examples import (
    OWNER,
    FakeClock,
    conversation,
    events,
    message,
    response,
    running,
)


async def test_saved_response_is_read_back_whole(store: Store) -> None:
    saved = replace(response("a", "z"), conversation_id="conv_1")
    await store.save(saved, events(3))
    assert await store.response(OWNER, "resp_a") == saved
    assert await store.events(OWNER, "resp_a") == tuple(events(3))


@lasting
async def test_response_is_there_after_the_store_was_closed_and_opened(
    store: Store, config: StoreConfig, clock: FakeClock
) -> None:
    await store.save(response("a"), events(2))
    await store.close()
    again = await Store.open(config, clock)
    assert await again.response(OWNER, "resp_a") == response("a")
    assert again.num_bytes == store.num_bytes
    await again.close()


@pytest.mark.parametrize(
    "text", ["\x00", "\ud800", "😀\u2028", "\\u0000", '"\n', "x" * 100_000], ids=ascii
)
async def test_any_text_comes_back_as_it_was(text: str, store: Store) -> None:
    text = text[:100_000]
    saved = replace(
        response("a"),
        resource={"instructions": text, "nested": {text: [1e308, 10**30, None, True]}},
        input_items=(message("msg_1", text), message(text[:200])),
    )
    await store.save(saved)
    assert await store.response(OWNER, "resp_a") == saved
    assert await store.item(OWNER, text[:200]) == message(text[:200])


@pytest.mark.parametrize("strange_id", ["", "\x00", "\ud800", "é", "x" * 100_000], ids=ascii)
async def test_strange_id_is_not_found(strange_id: str, store: Store) -> None:
    await store.save(response("a"))
    with pytest.raises(ResponseNotFound):
        await store.response(OWNER, strange_id)
    with pytest.raises(ResponseNotFound):
        await store.response(strange_id, "resp_a")
    with pytest.raises(ItemNotFound):
        await store.item(OWNER, strange_id)
    with pytest.raises(ConversationNotFound):
        await store.conversation(OWNER, strange_id)


async def test_response_without_items_and_events_is_stored(store: Store) -> None:
    empty = replace(response("a"), input_items=(), output_items=())
    await store.save(empty)
    assert await store.response(OWNER, "resp_a") == empty
    assert await store.events(OWNER, "resp_a") == ()
    assert await store.chain(OWNER, "resp_a") == ()


async def test_replaced_response_keeps_nothing_of_the_old_one(store: Store) -> None:
    await store.save(running("a"), events(5))
    await store.save(response("a", text="All of it"))
    assert await store.response(OWNER, "resp_a") == response("a", text="All of it")
    assert await store.events(OWNER, "resp_a") == ()
    assert len(await store.chain(OWNER, "resp_a")) == 2


async def test_replacing_counts_the_bytes_once(store: Store) -> None:
    await store.save(response("a"), events(5))
    num_bytes = store.num_bytes
    await store.save(running("a"))
    await store.save(response("a"), events(5))
    assert store.num_bytes == num_bytes


async def test_chain_is_every_item_from_the_first_response_on(store: Store) -> None:
    for name, previous in [("a", None), ("b", "a"), ("fork", "a"), ("c", "b"), ("other", None)]:
        await store.save(response(name, previous))
    items = await store.chain(OWNER, "resp_c")
    assert [item["id"] for item in items] == [
        *("msg_a_in", "msg_a_out", "msg_b_in", "msg_b_out", "msg_c_in", "msg_c_out")
    ]


async def test_chain_keeps_its_order_when_an_earlier_response_is_saved_again(store: Store) -> None:
    await store.save(running("a"))
    await store.save(response("b", "a"))
    await store.save(response("a"))
    ids = [item["id"] for item in await store.chain(OWNER, "resp_b")]
    assert ids == ["msg_a_in", "msg_a_out", "msg_b_in", "msg_b_out"]


async def test_long_chain_is_read(store: Store) -> None:
    await store.save(response("0"))
    for number in range(1, 300):
        await store.save(response(str(number), str(number - 1)))
    assert len(await store.chain(OWNER, "resp_299")) == 600


async def test_deleted_response_is_gone_and_a_later_one_stays(store: Store) -> None:
    await store.save(response("a"), events(2))
    await store.save(response("b", "a"))
    await store.delete(OWNER, "resp_a")
    for reading in (store.response, store.events, store.chain, store.delete):
        with pytest.raises(ResponseNotFound):
            await reading(OWNER, "resp_a")
    assert await store.response(OWNER, "resp_b") == response("b", "a")
    with pytest.raises(ChainBroken) as raised:
        await store.chain(OWNER, "resp_b")
    assert (raised.value.response_id, raised.value.missing_id) == ("resp_b", "resp_a")
    with pytest.raises(ItemNotFound):
        await store.item(OWNER, "msg_a_out")


async def test_nothing_is_left_when_all_is_deleted(store: Store) -> None:
    for name, previous in [("a", None), ("b", "a"), ("c", None)]:
        await store.save(response(name, previous), events(2))
    for name in ("a", "c", "b"):
        await store.delete(OWNER, f"resp_{name}")
    assert store.num_bytes == 0
    await store.sweep()
    assert store.num_bytes == 0


async def test_item_is_found_in_input_output_and_conversations_newest_first(store: Store) -> None:
    await store.create_conversation(conversation("a"), [message("msg_1", "first")])
    assert await store.item(OWNER, "msg_1") == message("msg_1", "first")
    await store.save(replace(response("a"), input_items=(message("msg_1", "second"),)))
    assert await store.item(OWNER, "msg_1") == message("msg_1", "second")
    await store.save(replace(response("b"), output_items=(message("msg_1", "third"),)))
    assert await store.item(OWNER, "msg_1") == message("msg_1", "third")
    await store.delete(OWNER, "resp_b")
    assert await store.item(OWNER, "msg_1") == message("msg_1", "second")


async def test_response_and_its_conversation_are_written_together(store: Store) -> None:
    await store.create_conversation(conversation("a"), [message("msg_0")])
    saved = replace(response("a"), conversation_id="conv_a")
    await store.save(saved, appended=[*saved.input_items, *saved.output_items])
    ids = [item["id"] for item in await store.conversation_items(OWNER, "conv_a")]
    assert ids == ["msg_0", "msg_a_in", "msg_a_out"]


async def test_response_is_not_saved_when_its_conversation_is_gone(store: Store) -> None:
    saved = replace(response("a"), conversation_id="conv_a")
    with pytest.raises(ConversationNotFound):
        await store.save(saved, appended=saved.input_items)
    with pytest.raises(ResponseNotFound):
        await store.response(OWNER, "resp_a")
    assert store.num_bytes == 0


def test_two_thousand_events_cost_little() -> None:
    recorded = events(2000)
    started_at = time.process_time()
    rounds = 10
    for _ in range(rounds):
        body = encode_events(recorded)
    milliseconds = (time.process_time() - started_at) * 1000 / rounds
    assert decode_events(body) == tuple(recorded)
    assert len(body) * 8 < sum(len(event.data) for event in recorded)
    assert milliseconds < 10
