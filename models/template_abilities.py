"""What a chat template can show its model, as data. `ability_probe` finds it out."""

from dataclasses import dataclass
from enum import Enum, auto

from antiphon.models.reasoning_switch import ReasoningSwitch


class ArgumentsForm(Enum):
    """What a past call's arguments have to be, so that the prompt shows them as JSON once."""

    MAPPING = auto()
    STRING = auto()
    EITHER = auto()


class CallContent(Enum):
    """What content an assistant's message has to have that consists of calls only."""

    EMPTY_STRING = auto()
    NULL = auto()


class ReasoningReplay(Enum):
    """Which past reasoning is shown to the model again."""

    NEVER = auto()
    LOOP = auto()  # only that after the last user message, while tools are being called
    ALL = auto()


@dataclass(frozen=True, slots=True)
class TemplateAbilities:
    """One chat template's abilities.

    tools                 definitions of tools reach the prompt
    tool_calls            an assistant's past call does, its name and its arguments
    parallel_tool_calls   two calls of one turn do
    tool_results          messages of the role "tool" do
    system                a leading system message does
    late_system           one further down does, in its place
    developer             the template knows the role "developer"
    repeated_roles        two user messages in a row are not refused
    images                an image in a user's message leaves a trace
    tool_images           an image in a tool's message does
    content_parts         content may be a list of {"type": "text", "text": ...}
    content_strings       content may be a string
    arguments             the form of a past call's arguments
    call_content          the content beside a past call
    reasoning_replay      which past reasoning is shown again
    reasoning_parts       past reasoning is shown only as a part of the content,
                          {"type": "thinking", "thinking": ...}
    reasoning             how thinking is switched
    """

    tools: bool
    tool_calls: bool
    parallel_tool_calls: bool
    tool_results: bool
    system: bool
    late_system: bool
    developer: bool
    repeated_roles: bool
    images: bool
    tool_images: bool
    content_parts: bool
    arguments: ArgumentsForm
    call_content: CallContent
    reasoning_replay: ReasoningReplay
    reasoning: ReasoningSwitch
    content_strings: bool = True
    reasoning_parts: bool = False
