"""Records to store, and a clock that tests turn."""

from dataclasses import replace

from antiphon.server.store.records import Conversation, Item, RecordedEvent, StoredResponse

OWNER = "alice"


class FakeClock:
    """Stands still until a test moves it; counts how often it was asked."""

    def __init__(self) -> None:
        self.now = 1_700_000_000
        self.num_calls = 0

    def unix_seconds(self) -> int:
        self.num_calls += 1
        return self.now


def message(item_id: str, text: str = "Hi") -> Item:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"id": item_id, "type": "message", "role": "user", "content": content}


def response(name: str, previous: str | None = None, text: str = "Hello") -> StoredResponse:
    """A finished response `resp_NAME` that was asked `msg_NAME_in` and said `msg_NAME_out`."""
    return StoredResponse(
        id=f"resp_{name}",
        owner=OWNER,
        status="completed",
        created_at=1_700_000_000,
        previous_response_id=None if previous is None else f"resp_{previous}",
        conversation_id=None,
        resource={"id": f"resp_{name}", "status": "completed", "metadata": {"ä": "\u2028"}},
        input_items=(message(f"msg_{name}_in"),),
        output_items=(message(f"msg_{name}_out", text),),
    )


def running(name: str, previous: str | None = None) -> StoredResponse:
    """A response that is not finished."""
    unfinished = response(name, previous)
    return replace(
        unfinished,
        status="in_progress",
        resource=unfinished.resource | {"status": "in_progress"},
        output_items=(),
    )


def conversation(name: str) -> Conversation:
    return Conversation(f"conv_{name}", OWNER, 1_700_000_000, {"topic": "tides"})


def events(num_events: int) -> list[RecordedEvent]:
    return [
        RecordedEvent(
            number,
            "response.output_text.delta",
            f'{{"type":"response.output_text.delta","sequence_number":{number},'
            f'"item_id":"msg_0123456789abcdef","output_index":0,"content_index":0,'
            f'"delta":"w{number * 7919 % 5003}\\n","logprobs":[]}}',
        )
        for number in range(num_events)
    ]
