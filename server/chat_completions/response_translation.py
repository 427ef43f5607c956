"""A response as a chat completion: the plain answer, and what a stream says at its end."""

from collections.abc import Iterable

from antiphon.server.chat_completions.completion import (
    AssistantMessage,
    CalledCustomTool,
    CalledFunction,
    ChatCompletion,
    Choice,
    ChoiceLogprobs,
    CompletionTokensDetails,
    CompletionUsage,
    CustomToolCallMade,
    FinishReason,
    FunctionToolCall,
    PromptTokensDetails,
    ToolCall,
)
from antiphon.server.protocol.content import OutputTextContent, RefusalContent
from antiphon.server.protocol.items import (
    CustomToolCall,
    FunctionCall,
    ItemField,
    Message,
    ReasoningBody,
)
from antiphon.server.protocol.response import ResponseResource, Usage

# A completion has one text, where a response may have several.
SEPARATOR = "\n\n"


def chat_completion(response: ResponseResource) -> ChatCompletion:
    message = _message(response.output)
    choice = Choice(
        message=message, logprobs=_logprobs(response.output), finish_reason=finish_reason(response)
    )
    return ChatCompletion(
        id=completion_id(response),
        created=response.created_at,
        model=response.model,
        choices=(choice,),
        usage=None if response.usage is None else completion_usage(response.usage),
        service_tier=response.service_tier,
    )


def completion_id(response: ResponseResource) -> str:
    return f"chatcmpl-{response.id.removeprefix('resp_')}"


def finish_reason(response: ResponseResource) -> FinishReason:
    """A call that broke off is none to be made: it counts as cut short."""
    if response.status != "completed":
        return "length"
    has_calls = any(isinstance(item, FunctionCall | CustomToolCall) for item in response.output)
    return "tool_calls" if has_calls else "stop"


def completion_usage(usage: Usage) -> CompletionUsage:
    return CompletionUsage(
        prompt_tokens=usage.input_tokens,
        completion_tokens=usage.output_tokens,
        total_tokens=usage.total_tokens,
        prompt_tokens_details=PromptTokensDetails(
            cached_tokens=usage.input_tokens_details.cached_tokens
        ),
        completion_tokens_details=CompletionTokensDetails(
            reasoning_tokens=usage.output_tokens_details.reasoning_tokens
        ),
    )


def _message(items: Iterable[ItemField]) -> AssistantMessage:
    texts, refusals, thoughts = list[str](), list[str](), list[str]()
    calls = list[ToolCall]()
    for item in items:
        match item:
            case Message(content=parts):
                texts += [_joined(p.text for p in parts if isinstance(p, OutputTextContent))]
                refusals += [p.refusal for p in parts if isinstance(p, RefusalContent)]
            case ReasoningBody(content=thought):
                thoughts += [part.text for part in thought or ()]
            case FunctionCall(call_id=call_id, name=name, arguments=arguments):
                called = CalledFunction(name=name, arguments=arguments)
                calls.append(FunctionToolCall(id=call_id, function=called))
            case CustomToolCall(call_id=call_id, name=name, input=text):
                custom = CalledCustomTool(name=name, input=text)
                calls.append(CustomToolCallMade(id=call_id, custom=custom))
    refusal = _joined(refusals) or None
    return AssistantMessage(
        content=_joined(texts) or (None if calls or refusal else ""),
        refusal=refusal,
        reasoning_content=_joined(thoughts) or None,
        tool_calls=tuple(calls) or None,
    )


def _logprobs(items: Iterable[ItemField]) -> ChoiceLogprobs | None:
    entries = tuple(
        entry
        for item in items
        if isinstance(item, Message)
        for part in item.content
        if isinstance(part, OutputTextContent)
        for entry in part.logprobs
    )
    return ChoiceLogprobs(content=entries) if entries else None


def _joined(texts: Iterable[str]) -> str:
    return SEPARATOR.join(text for text in texts if text)
