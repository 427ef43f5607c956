"""A chat template that can do everything; tests take away what they need."""

from antiphon.models.reasoning_switch import ReasoningSwitch
from antiphon.models.template_abilities import (
    ArgumentsForm,
    CallContent,
    ReasoningReplay,
    TemplateAbilities,
)

ABLE = TemplateAbilities(
    tools=True,
    tool_calls=True,
    parallel_tool_calls=True,
    tool_results=True,
    system=True,
    late_system=True,
    developer=True,
    repeated_roles=True,
    images=True,
    tool_images=True,
    content_parts=True,
    arguments=ArgumentsForm.MAPPING,
    call_content=CallContent.EMPTY_STRING,
    reasoning_replay=ReasoningReplay.ALL,
    reasoning=ReasoningSwitch({}),
)
