"""What a model declines to say, whole and in chunks."""

from antiphon.server.chat_completions.chunks import CompletionStream
from antiphon.server.chat_completions.completion import ChatCompletionChunk
from antiphon.server.chat_completions.response_translation import chat_completion
from antiphon.server.protocol.content import RefusalContent
from antiphon.server.protocol.events import (
    ResponseCreatedStreamingEvent,
    ResponseRefusalDeltaStreamingEvent,
)
from antiphon.server.protocol.items import Message
from antiphon.server.protocol.response import ResponseResource
from antiphon.server.protocol.text_format import TextField


def response_with(*output: Message) -> ResponseResource:
    return ResponseResource(
        id="resp_1",
        created_at=0,
        status="completed",
        model="tiny",
        output=output,
        instructions=None,
        previous_response_id=None,
        metadata={},
        max_output_tokens=None,
        temperature=1,
        top_p=1,
        presence_penalty=0,
        frequency_penalty=0,
        top_logprobs=0,
        text=TextField(),
        reasoning=None,
        tools=(),
        tool_choice="auto",
        parallel_tool_calls=True,
        max_tool_calls=None,
        truncation="disabled",
        store=False,
        background=False,
        safety_identifier=None,
        prompt_cache_key=None,
    )


def test_refusal_is_no_content() -> None:
    part = RefusalContent(refusal="No.")
    refused = Message(id="msg_1", status="completed", content=(part,))
    message = chat_completion(response_with(refused)).choices[0].message
    assert (message.content, message.refusal) == (None, "No.")


def test_refusal_streams_as_such() -> None:
    stream = CompletionStream(includes_usage=False)
    stream.chunks(ResponseCreatedStreamingEvent(sequence_number=0, response=response_with()))
    (chunk,) = stream.chunks(
        ResponseRefusalDeltaStreamingEvent(
            sequence_number=1, item_id="msg_1", output_index=0, content_index=0, delta="No."
        )
    )
    assert isinstance(chunk, ChatCompletionChunk)
    assert chunk.choices[0].delta.model_dump() == {"refusal": "No."}
