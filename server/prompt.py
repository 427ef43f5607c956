"""From a request's items to the prompt's tokens, through the model's own chat template."""

from antiphon.models.errors import ChatTemplateError
from antiphon.models.language_side import LanguageSide
from antiphon.server.protocol.errors import InvalidParameter
from antiphon.server.protocol.items import ContentParam, MessageParam, RefusalContentParam
from antiphon.server.protocol.requests import CreateResponseBody

ChatMessage = dict[str, str]


def prompt_token_ids(body: CreateResponseBody, language_side: LanguageSide) -> list[int]:
    """Raises InvalidParameter without any message, ChatTemplateError when the template refuses."""
    messages = chat_messages(body)
    if not messages:
        raise InvalidParameter("input", "'input' is required: there is nothing to respond to.")
    if language_side.chat_template is None:
        raise ChatTemplateError("The model has no chat template, so it cannot take messages.")
    return language_side.tokenizer.encode(language_side.chat_template.render(messages))


def chat_messages(body: CreateResponseBody) -> list[ChatMessage]:
    """The conversation as templates know it: roles and plain strings, instructions first."""
    instructions = [] if body.instructions is None else [_message("system", body.instructions)]
    match body.input:
        case None:
            return instructions
        case str(text):
            return [*instructions, _message("user", text)]
        case items:
            return [*instructions, *map(_chat_message, items)]


def _chat_message(item: MessageParam) -> ChatMessage:
    role = "system" if item.role == "developer" else item.role
    if isinstance(item.content, str):
        return _message(role, item.content)
    # Parts are separate texts: without a line between them, their words would run together.
    return _message(role, "\n".join(map(_text, item.content)))


def _text(part: ContentParam) -> str:
    return part.refusal if isinstance(part, RefusalContentParam) else part.text


def _message(role: str, content: str) -> ChatMessage:
    return {"role": role, "content": content}
