"""What a request stands on: what was said before, references, files, and compactions."""

import base64
from typing import Any

import pytest

from antiphon.server.files.file_texts import FileTexts
from antiphon.server.files.remote_fetch import FetchConfig
from antiphon.server.history.reader import History, HistoryReader
from antiphon.server.protocol.errors import (
    InvalidParameter,
    PreviousResponseNotFound,
    ReferencedItemNotFound,
    UnsupportedParameter,
)
from antiphon.server.protocol.input_items import MessageParam
from antiphon.server.protocol.requests import CreateResponseBody
from antiphon.server.seal import COMPACTION, REASONING
from antiphon.server.store.errors import ConversationNotFound, ItemNotFound
from antiphon.server.store.records import Item
from tests.serving import SEAL

USER = {"type": "message", "role": "user", "content": "Hi"}
ANSWER = {"type": "message", "role": "assistant", "content": "Hello"}
CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}


class WrittenPast:
    """A past that a test wrote down."""

    def __init__(self, *items: Item) -> None:
        self._items = [{"id": f"item_{index}", **item} for index, item in enumerate(items)]

    def keeps(self, response_id: str | None) -> bool:
        return True

    async def chain(self, response_id: str) -> list[Item]:
        if response_id != "resp_1":
            raise PreviousResponseNotFound(response_id)
        return self._items

    async def conversation(self, conversation_id: str) -> list[Item]:
        if conversation_id != "conv_1":
            raise ConversationNotFound(conversation_id)
        return self._items

    async def item(self, item_id: str) -> Item:
        for item in self._items:
            if item["id"] == item_id:
                return item
        raise ItemNotFound(item_id)


async def read(past: WrittenPast, **fields: object) -> History:
    reader = HistoryReader(past, SEAL, FileTexts(FetchConfig()))
    return await reader.read(CreateResponseBody.model_validate(fields))


def texts(history: History) -> list[str]:
    """What messages say; other items by their type."""
    return [
        str(placed.item.content) if isinstance(placed.item, MessageParam) else str(placed.item.type)
        for placed in history.items
    ]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"conversation": {"id": "conv_1"}}, "conversation"),
    ],
)
async def test_what_was_said_before_comes_first(fields: dict[str, Any], param: str) -> None:
    history = await read(WrittenPast(USER, ANSWER), input="More", **fields)
    assert texts(history) == ["Hi", "Hello", "More"]
    assert [placed.param for placed in history.items] == [param, param, "input[0]"]
    assert len(history.earlier) == 2
    assert len(history.own) == 1


async def test_calls_of_the_past_are_known() -> None:
    history = await read(WrittenPast(USER, CALL), previous_response_id="resp_1")
    assert history.call_ids == {"c"}


async def test_past_that_is_not_there_is_refused() -> None:
    with pytest.raises(PreviousResponseNotFound):
        await read(WrittenPast(), previous_response_id="resp_2")
    with pytest.raises(ConversationNotFound):
        await read(WrittenPast(), conversation="conv_2")
    with pytest.raises(InvalidParameter) as caught:
        await read(WrittenPast(), conversation="conv_1", previous_response_id="resp_1")
    assert caught.value.param == "conversation"


async def test_reference_becomes_the_item_it_names() -> None:
    past = WrittenPast(USER, ANSWER)
    reference = {"type": "item_reference", "id": "item_1"}
    history = await read(past, input=[USER, reference, {"id": "item_0"}])
    assert texts(history) == ["Hi", "Hello", "Hi"]
    with pytest.raises(ReferencedItemNotFound) as caught:
        await read(past, input=[USER, {**reference, "id": "item_9"}])
    assert caught.value.param == "input[1].id"


async def test_file_becomes_its_text_and_is_kept_as_a_file() -> None:
    data = base64.b64encode(b"a,b\n1,2").decode()
    part = {"type": "input_file", "filename": "t.csv", "file_data": f"data:text/csv;base64,{data}"}
    message = {"role": "user", "content": [{"type": "input_text", "text": "Look"}, part]}
    output = {"type": "function_call_output", "call_id": "c", "output": [part]}
    history = await read(WrittenPast(), input=[message, CALL, output])
    content = history.items[0].item.model_dump()["content"]
    assert [shown["text"] for shown in content] == ["Look", "File t.csv:\n\na,b\n1,2"]
    assert "1,2" in history.items[2].item.model_dump()["output"][0]["text"]
    assert history.own[0].model_dump()["content"][1]["file_data"].endswith(data)


async def test_file_that_cannot_be_read_is_refused_by_its_place() -> None:
    part = {"type": "input_file", "file_data": base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()}
    with pytest.raises(UnsupportedParameter) as caught:
        await read(WrittenPast(), input=[USER, {"role": "user", "content": [part]}])
    assert caught.value.param == "input[1].content[0].file_data"


def compaction(summary: str, *kept: Item) -> Item:
    content = {"summary": summary, "kept": list(kept)}
    return {"type": "compaction", "encrypted_content": SEAL.close(COMPACTION, content)}


async def test_compaction_stands_for_all_before_it() -> None:
    system = {"type": "message", "role": "system", "content": "Sys"}
    carried = compaction("They met.", system, ANSWER)
    history = await read(WrittenPast(USER, carried, USER), input="More", conversation="conv_1")
    assert texts(history) == [
        "Sys",
        "Summary of the conversation so far:\n\nThey met.",
        "Hello",
        "Hi",
        "More",
    ]


async def test_only_the_newest_compaction_counts() -> None:
    history = await read(WrittenPast(), input=[compaction("Old."), USER, compaction("New."), USER])
    assert texts(history) == ["Summary of the conversation so far:\n\nNew.", "Hi"]


async def test_compaction_of_another_server_is_refused() -> None:
    for foreign in ("gAAAA", SEAL.close(REASONING, "Hm.")):
        item = {"type": "compaction", "encrypted_content": foreign}
        with pytest.raises(InvalidParameter) as caught:
            await read(WrittenPast(), input=[USER, item])
        assert caught.value.param == "input[1].encrypted_content"


async def test_sealed_reasoning_is_opened_where_there_is_no_text_beside_it() -> None:
    sealed = {"type": "reasoning", "summary": [], "encrypted_content": SEAL.close(REASONING, "Hm.")}
    beside = {**sealed, "content": [{"type": "reasoning_text", "text": "Open."}]}
    history = await read(WrittenPast(), input=[sealed, beside])
    contents = [placed.item.model_dump()["content"] for placed in history.items]
    assert [content[0]["text"] for content in contents] == ["Hm.", "Open."]
    foreign = {**sealed, "encrypted_content": SEAL.close(COMPACTION, "Hm.")}
    with pytest.raises(InvalidParameter) as caught:
        await read(WrittenPast(), input=[USER, foreign])
    assert caught.value.param == "input[1].encrypted_content"


async def test_what_a_compaction_stands_for_is_not_even_looked_at() -> None:
    unreadable = {"type": "message", "role": "nobody", "content": 1}
    past = WrittenPast(unreadable, compaction("They met."), USER)
    assert len((await read(past, conversation="conv_1")).items) == 2
    history = await read(WrittenPast(unreadable), input=[compaction("New.")], conversation="conv_1")
    assert texts(history) == ["Summary of the conversation so far:\n\nNew."]


async def test_tools_that_come_with_the_conversation_are_found_where_they_stand() -> None:
    tools = {"type": "additional_tools", "tools": [{"type": "function", "name": "f"}]}
    history = await read(WrittenPast(tools), input=[USER, tools], conversation="conv_1")
    assert list(history.additional_tools) == ["conversation.tools", "input[1].tools"]
