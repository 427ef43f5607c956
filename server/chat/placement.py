"""Messages where the template can take them: some want one system message, some want turns only."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import takewhile

from antiphon.models.template_abilities import TemplateAbilities
from antiphon.server.chat.message import PARAGRAPH, ChatMessage, Role, joined

SYSTEM_ROLES = frozenset({Role.SYSTEM, Role.DEVELOPER})


def placed(
    messages: Sequence[ChatMessage], abilities: TemplateAbilities, addition: str | None = None
) -> list[ChatMessage]:
    """The messages in roles and an order that the template takes.

    addition  goes to the end of the system message.
    """
    leading = list(takewhile(lambda message: message.role in SYSTEM_ROLES, messages))
    system, turns = _without_late_system(messages[len(leading) :], abilities)
    texts = [message.text for message in (*leading, *system)]
    prefix = PARAGRAPH.join(texts if addition is None else [*texts, addition])
    if texts or addition is not None:
        turns = _begun_with(prefix, turns, abilities)
    if not abilities.parallel_tool_calls:
        turns = one_call_each(turns)
    return turns if abilities.repeated_roles else _alternating(turns)


def _without_late_system(
    messages: Iterable[ChatMessage], abilities: TemplateAbilities
) -> tuple[list[ChatMessage], list[ChatMessage]]:
    """System messages that cannot stay where they are, and all the others."""
    moved: list[ChatMessage] = []
    kept: list[ChatMessage] = []
    for message in messages:
        if message.role is Role.DEVELOPER and not abilities.developer:
            message = replace(message, role=Role.SYSTEM)
        is_late_system = message.role is Role.SYSTEM and not abilities.late_system
        (moved if is_late_system else kept).append(message)
    return moved, kept


def _begun_with(
    text: str, turns: list[ChatMessage], abilities: TemplateAbilities
) -> list[ChatMessage]:
    if abilities.system:
        return [ChatMessage(Role.SYSTEM, text), *turns]
    first = next((i for i, turn in enumerate(turns) if turn.role is Role.USER), None)
    if first is None:
        return [ChatMessage(Role.USER, text), *turns]
    joined = ChatMessage(Role.USER, PARAGRAPH.join((text, turns[first].text)))
    return [*turns[:first], joined, *turns[first + 1 :]]


def one_call_each(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """Calls that were made at once, made one after the other, each with its output."""
    placed: list[ChatMessage] = []
    for index, message in enumerate(messages):
        if message.role is Role.TOOL:
            continue
        outputs = takewhile(lambda later: later.role is Role.TOOL, messages[index + 1 :])
        placed += _unfolded(message, list(outputs))
    return placed


def _unfolded(message: ChatMessage, outputs: list[ChatMessage]) -> list[ChatMessage]:
    """A message and the outputs behind it; those of calls that were made before come first."""
    if not message.calls:
        return [message, *outputs]
    steps = [ChatMessage(Role.ASSISTANT, calls=(call,)) for call in message.calls]
    steps[0] = replace(message, calls=message.calls[:1])
    answers: dict[str, list[ChatMessage]] = {call.call_id: [] for call in message.calls}
    unfolded: list[ChatMessage] = []
    for output in outputs:
        assert output.answered is not None, "every output answers a call"
        answers.get(output.answered.call_id, unfolded).append(output)
    for step in steps:
        unfolded += [step, *answers[step.calls[0].call_id]]
    return unfolded


def _alternating(messages: Iterable[ChatMessage]) -> list[ChatMessage]:
    """No role twice in a row, but for tools: each of theirs answers another call."""
    groups: list[list[ChatMessage]] = []
    for message in messages:
        last = groups[-1][-1] if groups else None
        if last and last.role is message.role is not Role.TOOL and not message.calls:
            groups[-1].append(message)
        else:
            groups.append([message])
    return [joined(group) if len(group) > 1 else group[0] for group in groups]
