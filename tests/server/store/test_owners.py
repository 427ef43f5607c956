"""Nobody sees or changes what is another's."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from antiphon.server.store.errors import (
    ChainBroken,
    ConversationNotFound,
    ItemNotFound,
    ResponseNotFound,
    StoreError,
)
from antiphon.server.store.store import Store
from tests.server.store.examples import OWNER, conversation, events, message, response

MALLORY = "mallory"
Attempt = Callable[[Store, str], Awaitable[object]]

ATTEMPTS: dict[str, tuple[type[StoreError], Attempt]] = {
    "response": (ResponseNotFound, lambda store, who: store.response(who, "resp_a")),
    "events": (ResponseNotFound, lambda store, who: store.events(who, "resp_a")),
    "chain": (ResponseNotFound, lambda store, who: store.chain(who, "resp_a")),
    "delete": (ResponseNotFound, lambda store, who: store.delete(who, "resp_a")),
    "item": (ItemNotFound, lambda store, who: store.item(who, "msg_a_out")),
    "item of a conversation": (ItemNotFound, lambda store, who: store.item(who, "msg_1")),
    "conversation": (ConversationNotFound, lambda store, who: store.conversation(who, "conv_a")),
    "update": (
        ConversationNotFound,
        lambda store, who: store.update_conversation(who, "conv_a", {}),
    ),
    "items": (ConversationNotFound, lambda store, who: store.conversation_items(who, "conv_a")),
    "delete conversation": (
        ConversationNotFound,
        lambda store, who: store.delete_conversation(who, "conv_a"),
    ),
    "add items": (
        ConversationNotFound,
        lambda store, who: store.add_conversation_items(who, "conv_a", [message("msg_m")]),
    ),
    "delete item": (
        ConversationNotFound,
        lambda store, who: store.delete_conversation_item(who, "conv_a", "msg_1"),
    ),
    "append to a conversation": (
        ConversationNotFound,
        lambda store, who: store.save(
            replace(response("m"), owner=who, conversation_id="conv_a"),
            appended=[message("msg_m")],
        ),
    ),
}


@pytest.fixture(autouse=True)
async def stored(store: Store) -> None:
    await store.save(response("a"), events(2))
    await store.create_conversation(conversation("a"), [message("msg_1")])


@pytest.mark.parametrize("name", ATTEMPTS)
@pytest.mark.parametrize("other", [MALLORY, "", "Alice"])
async def test_for_another_owner_it_does_not_exist(name: str, other: str, store: Store) -> None:
    error, attempt = ATTEMPTS[name]
    with pytest.raises(error):
        await attempt(store, other)
    assert await store.response(OWNER, "resp_a") == response("a")
    assert await store.conversation(OWNER, "conv_a") == conversation("a")
    assert await store.conversation_items(OWNER, "conv_a") == (message("msg_1"),)


@pytest.mark.parametrize("name", ATTEMPTS)
async def test_for_its_owner_it_does(name: str, store: Store) -> None:
    await ATTEMPTS[name][1](store, OWNER)


async def test_saving_under_anothers_id_leaves_the_others_response_alone(store: Store) -> None:
    theirs = replace(response("a", text="mine"), owner=MALLORY)
    await store.save(theirs)
    assert await store.response(OWNER, "resp_a") == response("a")
    assert await store.response(MALLORY, "resp_a") == theirs


async def test_chain_does_not_lead_into_anothers_response(store: Store) -> None:
    await store.save(replace(response("m", "a"), owner=MALLORY))
    with pytest.raises(ChainBroken):
        await store.chain(MALLORY, "resp_m")
    await store.delete(MALLORY, "resp_m")
    assert await store.response(OWNER, "resp_a") == response("a")
