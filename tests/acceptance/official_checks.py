"""The checks of the official acceptance suite by their ids: what each sends, what each asserts.

The wording of the requests is the suite's; they are sent as it sends them.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from tests.acceptance.attachments import pdf_url, png_url
from tests.acceptance.official_events import check_official_compaction, check_official_response
from tests.acceptance.server_under_test import ServerUnderTest
from tests.acceptance.specimen import RESPONSE

Check = Callable[[ServerUnderTest], Awaitable[None]]
Json = dict[str, Any]

NOT_FOUND = "previous_response_not_found"
WEATHER_QUESTION = "What's the weather like in San Francisco?"
GET_WEATHER: Json = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the current weather for a location",
    "parameters": {
        "type": "object",
        "properties": {
            "location": {
                "type": "string",
                "description": "The city and state, e.g. San Francisco, CA",
            }
        },
        "required": ["location"],
    },
}


def message(role: str, content: object, **more: object) -> Json:
    return {"type": "message", "role": role, "content": content, **more}


async def basic_response(server: ServerUnderTest) -> None:
    said = message("user", "Say hello in exactly 3 words.")
    server.check_completed(await server.respond(input=[said]))


async def assistant_phase(server: ServerUnderTest) -> None:
    response = await server.respond(
        input=[
            message("assistant", "I should answer with the saved number.", phase="commentary"),
            message("assistant", "The number is four.", phase="final_answer"),
            message("user", "Repeat only the number."),
        ]
    )
    server.check_completed(response)


async def response_output_phase_schema(server: ServerUnderTest) -> None:
    """Nothing is sent: the validator itself has to know both phases."""
    check_official_response(RESPONSE)
    assert [item["phase"] for item in RESPONSE["output"]] == ["commentary", "final_answer"]


async def streaming_response(server: ServerUnderTest) -> None:
    events = await server.stream(input=[message("user", "Count from 1 to 5.")])
    server.check_completed_turn(events)
    # The suite does not ask for more; but this is how events that its parser lost would show.
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


async def websocket_response(server: ServerUnderTest) -> None:
    async with server.socket() as socket:
        events = await socket.turn(input=[message("user", "Count from 1 to 3.")])
    server.check_completed_turn(events)


async def websocket_sequential_responses(server: ServerUnderTest) -> None:
    async with server.socket() as socket:
        for word in ("first", "second"):
            events = await socket.turn(store=False, input=f"Reply with exactly: {word}")
            server.check_completed_turn(events)


async def websocket_continuation(server: ServerUnderTest) -> None:
    async with server.socket() as socket:
        first = await socket.respond(
            store=False, input="Remember the code word: cobalt. Reply with OK."
        )
        check_official_response(first)
        events = await socket.turn(
            store=False,
            previous_response_id=first["id"],
            input="What is the code word? Reply with only the code word.",
        )
    server.check_completed_turn(events)


async def websocket_reconnect_store_false_recovery(server: ServerUnderTest) -> None:
    async with server.socket() as socket:
        first = await socket.respond(
            store=False, input="Remember the code word: copper. Reply with OK."
        )
    async with server.socket() as socket:
        error = await socket.refusal(
            400,
            store=False,
            previous_response_id=first["id"],
            input="Try to continue after reconnect. Reply with exactly: reconnected",
        )
        assert error["code"] == NOT_FOUND
        again = message("user", "Start a new response and reply with exactly: recovered")
        events = await socket.turn(store=False, input=[again])
    server.check_completed_turn(events)


async def websocket_previous_response_not_found(server: ServerUnderTest) -> None:
    async with server.socket() as socket:
        error = await socket.refusal(
            400,
            store=False,
            previous_response_id=f"resp_missing_{uuid.uuid4().hex}",
            input="This should fail because the previous response is missing.",
        )
    assert error["code"] == NOT_FOUND


async def websocket_failed_continuation_evicts_cache(server: ServerUnderTest) -> None:
    unmatched = {
        "type": "function_call_output",
        "call_id": "call_openresponses_missing",
        "output": "No matching tool call exists in the previous response.",
    }
    async with server.socket() as socket:
        first = await socket.respond(
            store=False, input="Remember the code word: ember. Reply with OK."
        )
        await socket.refusal(400, store=False, previous_response_id=first["id"], input=[unmatched])
        error = await socket.refusal(
            400,
            store=False,
            previous_response_id=first["id"],
            input="Try to continue after the failed turn. Reply with exactly: stale",
        )
    assert error["code"] == NOT_FOUND


async def websocket_compact_new_chain(server: ServerUnderTest) -> None:
    remember = {"type": "input_text", "text": "Remember the compaction code word: slate."}
    compress = {"type": "input_text", "text": "Compress this conversation for later continuation."}
    posted = [
        message("user", [remember]),
        message("assistant", [{"type": "output_text", "text": "OK."}]),
        message("user", [compress]),
    ]
    window = await compacted(server, input=posted)
    following = message("user", "Continue from here. Reply with exactly: compacted")
    async with server.socket() as socket:
        events = await socket.turn(store=False, input=[*window["output"], following], tools=[])
    server.check_completed_turn(events)


async def system_prompt(server: ServerUnderTest) -> None:
    pirate = message("system", "You are a pirate. Always respond in pirate speak.")
    response = await server.respond(input=[pirate, message("user", "Say hello.")])
    server.check_completed(response)


async def tool_calling(server: ServerUnderTest) -> None:
    """The suite leaves the choice to the model: one that would not choose is told to."""
    told = {} if server.chooses_tools else {"tool_choice": "required"}
    response = await server.respond(
        input=[message("user", WEATHER_QUESTION)], tools=[GET_WEATHER], **told
    )
    assert "function_call" in {item["type"] for item in response["output"]}


async def image_input_is_refused_until_images_are_served(server: ServerUnderTest) -> None:
    """The suite wants a completed response. What there is today has to be clear at least."""
    seen = {"type": "input_text", "text": "What do you see in this image?"}
    image = {"type": "input_image", "image_url": png_url()}
    posted = {"model": server.model, "input": [message("user", [seen, image])]}
    answer = await server.post("/responses", posted)
    assert answer.status_code == 400
    assert answer.json()["error"] == {
        "type": "invalid_request",
        "code": "unsupported_parameter",
        "param": "input[0].content[1].type",
        "message": "'input[0].content[1].type': this server's model does not understand images.",
    }


async def multi_turn(server: ServerUnderTest) -> None:
    response = await server.respond(
        input=[
            message("user", "My name is Alice."),
            message("assistant", "Hello Alice! Nice to meet you. How can I help you today?"),
            message("user", "What is my name?"),
        ]
    )
    server.check_completed(response)


async def compact_response(server: ServerUnderTest) -> None:
    window = await compacted(
        server,
        prompt_cache_key="openresponses-compact-test",
        input=[
            message("user", "We agreed to launch on Tuesday and notify support first."),
            message("assistant", "Understood. Tuesday it is, with support notified beforehand."),
        ],
    )
    assert window["object"] == "response.compaction"
    assert "compaction" in {item["type"] for item in window["output"]}


async def compact_missing_model(server: ServerUnderTest) -> None:
    posted = {"input": [message("user", "Compact this conversation.")]}
    answer = await server.post("/responses/compact", posted)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "model"


async def function_call_roundtrip(server: ServerUnderTest) -> None:
    first = await server.respond(
        input=[message("user", WEATHER_QUESTION)],
        tools=[GET_WEATHER],
        tool_choice={"type": "function", "name": "get_weather"},
    )
    call_ids = [item["call_id"] for item in first["output"] if item["type"] == "function_call"]
    assert call_ids
    output = "64 degrees and clear"
    result = {"type": "function_call_output", "call_id": call_ids[0], "output": output}
    second = await server.respond(previous_response_id=first["id"], input=[result])
    server.check_completed(second)


async def file_input(server: ServerUnderTest) -> None:
    asked = {"type": "input_text", "text": "What is the title of this file?"}
    file = {"type": "input_file", "filename": "fixture.pdf", "file_data": pdf_url()}
    server.check_completed(await server.respond(input=[message("user", [asked, file])]))


async def previous_response_id(server: ServerUnderTest) -> None:
    """Nothing is said of `store`: what it is by default has to allow this."""
    first = await server.respond(input=[message("user", "My name is Alice.")])
    second = await server.respond(
        previous_response_id=first["id"], input=[message("user", "What is my name?")]
    )
    server.check_completed(second)


async def compacted(server: ServerUnderTest, **body: object) -> Json:
    answer = await server.post("/responses/compact", {"model": server.model, **body})
    assert answer.status_code == 200, answer.text
    window: Json = answer.json()
    check_official_compaction(window)
    assert window["output"]
    return window


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "basic-response": basic_response,
        "assistant-phase": assistant_phase,
        "response-output-phase-schema": response_output_phase_schema,
        "streaming-response": streaming_response,
        "websocket-response": websocket_response,
        "websocket-sequential-responses": websocket_sequential_responses,
        "websocket-continuation": websocket_continuation,
        "websocket-reconnect-store-false-recovery": websocket_reconnect_store_false_recovery,
        "websocket-previous-response-not-found": websocket_previous_response_not_found,
        "websocket-failed-continuation-evicts-cache": websocket_failed_continuation_evicts_cache,
        "websocket-compact-new-chain": websocket_compact_new_chain,
        "system-prompt": system_prompt,
        "tool-calling": tool_calling,
        "image-input": image_input_is_refused_until_images_are_served,
        "multi-turn": multi_turn,
        "compact-response": compact_response,
        "compact-missing-model": compact_missing_model,
    }
)

# Those of the suite's proposed extension that need no hosted tool.
EXTENSION_CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "function-call-roundtrip": function_call_roundtrip,
        "file-input": file_input,
        "previous-response-id": previous_response_id,
    }
)
