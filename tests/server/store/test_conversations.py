"""Conversations, their metadata and their items."""

import pytest

from antiphon.server.store.errors import ConversationNotFound, ItemNotFound
from antiphon.server.store.records import Conversation
from antiphon.server.store.store import Store
from tests.server.store.examples import OWNER, conversation, message

ITEMS = [message("msg_1"), message("msg_2"), message("msg_3")]


@pytest.fixture(autouse=True)
async def existing(store: Store) -> None:
    await store.create_conversation(conversation("a"), ITEMS[:2])


async def test_conversation_is_read_back_with_its_items(store: Store) -> None:
    assert await store.conversation(OWNER, "conv_a") == conversation("a")
    assert await store.conversation_items(OWNER, "conv_a") == tuple(ITEMS[:2])


async def test_items_are_added_at_the_end(store: Store) -> None:
    await store.add_conversation_items(OWNER, "conv_a", ITEMS[2:])
    assert await store.conversation_items(OWNER, "conv_a") == tuple(ITEMS)


async def test_metadata_is_replaced(store: Store) -> None:
    updated = await store.update_conversation(OWNER, "conv_a", {"mood": "calm"})
    assert updated == Conversation("conv_a", OWNER, 1_700_000_000, {"mood": "calm"})
    assert await store.conversation(OWNER, "conv_a") == updated


async def test_deleted_item_is_gone_and_its_bytes_with_it(store: Store) -> None:
    num_bytes = store.num_bytes
    await store.add_conversation_items(OWNER, "conv_a", ITEMS[2:])
    await store.delete_conversation_item(OWNER, "conv_a", "msg_3")
    assert await store.conversation_items(OWNER, "conv_a") == tuple(ITEMS[:2])
    assert store.num_bytes == num_bytes
    with pytest.raises(ItemNotFound):
        await store.delete_conversation_item(OWNER, "conv_a", "msg_3")


async def test_item_of_another_conversation_is_not_deleted(store: Store) -> None:
    await store.create_conversation(conversation("b"), [message("msg_b")])
    with pytest.raises(ItemNotFound):
        await store.delete_conversation_item(OWNER, "conv_a", "msg_b")
    assert await store.item(OWNER, "msg_b") == message("msg_b")


async def test_deleted_conversation_leaves_nothing(store: Store) -> None:
    await store.delete_conversation(OWNER, "conv_a")
    assert store.num_bytes == 0
    with pytest.raises(ItemNotFound):
        await store.item(OWNER, "msg_1")


async def test_unknown_conversation_is_an_error_everywhere(store: Store) -> None:
    for operation in (store.conversation, store.conversation_items, store.delete_conversation):
        with pytest.raises(ConversationNotFound):
            await operation(OWNER, "conv_x")
    with pytest.raises(ConversationNotFound):
        await store.update_conversation(OWNER, "conv_x", {})
    with pytest.raises(ConversationNotFound):
        await store.add_conversation_items(OWNER, "conv_x", ITEMS)
    with pytest.raises(ConversationNotFound):
        await store.delete_conversation_item(OWNER, "conv_x", "msg_1")
