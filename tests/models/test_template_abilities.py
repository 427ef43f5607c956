"""What templates can do: as found by rendering, against what their text says."""

from dataclasses import replace

import pytest

from antiphon.models.ability_probe import probe_abilities
from antiphon.models.chat_template import ChatTemplate
from antiphon.models.reasoning_switch import EFFORTS, OFF, ReasoningSwitch, Variables
from antiphon.models.template_abilities import (
    ArgumentsForm,
    CallContent,
    ReasoningReplay,
    TemplateAbilities,
)
from tests.real_templates import RealTemplates
from tests.tiny import CHATML_TEMPLATE

NO_REASONING = ReasoningSwitch({OFF: {}})
LOOP, ALL = ReasoningReplay.LOOP, ReasoningReplay.ALL
STRING, EITHER = ArgumentsForm.STRING, ArgumentsForm.EITHER


def on_and_off(on: Variables, off: Variables) -> ReasoningSwitch:
    return ReasoningSwitch({OFF: off} | dict.fromkeys(EFFORTS[1:], on))


ALWAYS_THINKING = ReasoningSwitch({effort: {} for effort in EFFORTS[1:]})
ENABLE_THINKING = on_and_off({"enable_thinking": True}, {"enable_thinking": False})

TOOLS_AND_TEXT = TemplateAbilities(
    tools=True,
    tool_calls=True,
    parallel_tool_calls=True,
    tool_results=True,
    system=True,
    late_system=True,
    developer=False,
    repeated_roles=True,
    images=False,
    tool_images=False,
    content_parts=False,
    content_strings=True,
    arguments=ArgumentsForm.MAPPING,
    call_content=CallContent.EMPTY_STRING,
    reasoning_replay=ReasoningReplay.NEVER,
    reasoning_parts=False,
    reasoning=NO_REASONING,
)
HYBRID = replace(TOOLS_AND_TEXT, reasoning_replay=LOOP, reasoning=ENABLE_THINKING)
TEXT_ONLY = replace(
    TOOLS_AND_TEXT,
    tools=False,
    tool_calls=False,
    parallel_tool_calls=False,
    tool_results=False,
    late_system=False,
)
VISION = replace(HYBRID, images=True, tool_images=True, content_parts=True, late_system=False)
GPT_OSS = replace(
    TOOLS_AND_TEXT,
    parallel_tool_calls=False,
    late_system=False,
    developer=True,
    reasoning_replay=LOOP,
    reasoning=ReasoningSwitch(
        {effort: {"reasoning_effort": effort} for effort in ("low", "medium", "high")}
    ),
)
MISTRAL = replace(TOOLS_AND_TEXT, late_system=False, repeated_roles=False)
ON: Variables = {"enable_thinking": True}

EXPECTED = {
    "Qwen-Qwen2.5-7B-Instruct": TOOLS_AND_TEXT,
    "Qwen3-Coder": TOOLS_AND_TEXT,
    "Qwen-Qwen3-0.6B": replace(HYBRID, arguments=EITHER),
    "Qwen3.5-4B": VISION,
    "qwen3_8": replace(
        VISION,
        reasoning_replay=ALL,
        reasoning=ReasoningSwitch(
            {OFF: {"enable_thinking": False}}
            | {effort: {**ON, "reasoning_effort": effort} for effort in ("low", "medium", "xhigh")}
        ),
    ),
    "Qwen-QwQ-32B": replace(TOOLS_AND_TEXT, reasoning=ENABLE_THINKING),
    "openai-gpt-oss-120b": GPT_OSS,
    "gptoss": GPT_OSS,
    "meta-llama-Llama-3.1-8B-Instruct": replace(TOOLS_AND_TEXT, parallel_tool_calls=False),
    "mistralai-Mistral-Nemo-Instruct-2407": MISTRAL,
    "Mistral-Small-3.2-24B-Instruct-2506": replace(MISTRAL, images=True, content_parts=True),
    "mistralai-Ministral-3-14B-Reasoning-2512": replace(
        MISTRAL,
        images=True,
        content_parts=True,
        arguments=EITHER,
        reasoning_replay=ALL,
        reasoning_parts=True,
        reasoning=ALWAYS_THINKING,
    ),
    "deepseekv3": replace(
        TOOLS_AND_TEXT,
        tools=False,
        late_system=False,
        arguments=STRING,
        reasoning=ALWAYS_THINKING,
    ),
    "deepseek-ai-DeepSeek-V3.1": replace(
        TOOLS_AND_TEXT, tools=False, late_system=False, reasoning=ENABLE_THINKING
    ),
    "deepseek-ai-DeepSeek-V4-Flash-0731": replace(
        TOOLS_AND_TEXT,
        late_system=False,
        reasoning_replay=ALL,
        reasoning=ReasoningSwitch(
            {
                OFF: {"enable_thinking": False},
                "low": ON,
                "medium": ON,
                "high": {**ON, "reasoning_effort": "high"},
            }
        ),
    ),
    "GLM-4.6": replace(HYBRID, content_parts=True),
    "GLM-4.7-Flash": replace(HYBRID, content_parts=True),
    "moonshotai-Kimi-K2": replace(TOOLS_AND_TEXT, images=True, content_parts=True),
    "Kimi-K3": replace(
        VISION,
        late_system=True,
        reasoning_replay=ALL,
        reasoning=ReasoningSwitch(
            {
                OFF: {"thinking": False},
                "low": {"thinking": True, "thinking_effort": "low"},
                "high": {"thinking": True, "thinking_effort": "high"},
            }
        ),
    ),
    "MiniMax-M2": replace(
        TOOLS_AND_TEXT,
        late_system=False,
        content_parts=True,
        reasoning_replay=LOOP,
        reasoning=ALWAYS_THINKING,
    ),
    "MiniMax-M3": replace(
        VISION,
        developer=True,
        reasoning_replay=ALL,
        reasoning=on_and_off({"thinking_mode": "enabled"}, {"thinking_mode": "disabled"}),
    ),
    "google-gemma-2-2b-it": replace(TEXT_ONLY, system=False, repeated_roles=False),
    "gemma3": replace(TEXT_ONLY, repeated_roles=False, images=True, content_parts=True),
    "google-gemma-4-31B-it": replace(VISION, late_system=True, developer=True, tool_images=False),
    "ibm-granite-granite-3.3-2B-Instruct": replace(
        TEXT_ONLY,
        tools=True,
        tool_results=True,  # as text of a role of their own
        late_system=True,
        reasoning=on_and_off({"thinking": True}, {"thinking": False}),
    ),
    "ibm-granite-granite-4.0": replace(TOOLS_AND_TEXT, content_parts=True, arguments=EITHER),
    "CohereForAI-c4ai-command-r7b-12-2024-tool_use": HYBRID,
    "HuggingFaceTB-SmolLM3-3B": replace(TEXT_ONLY, tool_results=True, reasoning=ENABLE_THINKING),
    "Apertus-8B-Instruct": replace(TOOLS_AND_TEXT, late_system=False, reasoning=ENABLE_THINKING),
    "tencent-Hy3": replace(
        TOOLS_AND_TEXT,
        late_system=False,
        content_parts=True,
        reasoning_replay=ALL,
        reasoning=ReasoningSwitch(
            {
                OFF: {"reasoning_effort": "no_think"},
                "low": {"reasoning_effort": "low"},
                "high": {"reasoning_effort": "high"},
            }
        ),
    ),
    "ByteDance-Seed-OSS": replace(
        TOOLS_AND_TEXT, reasoning_replay=ALL, reasoning=on_and_off({}, {"thinking_budget": 0})
    ),
    "nemotron_3_super": replace(
        HYBRID,
        reasoning=ReasoningSwitch(
            {
                OFF: {"enable_thinking": False},
                "low": {**ON, "low_effort": True},
                "medium": ON,
                "high": ON,
            }
        ),
    ),
    "upstage-Solar-Open-100B": replace(
        TOOLS_AND_TEXT,
        late_system=False,
        arguments=EITHER,
        reasoning_replay=LOOP,
        reasoning=ReasoningSwitch(
            {
                "minimal": {"reasoning_effort": "minimal"},
                "low": {"reasoning_effort": "low"},
                "medium": {},
                "high": {},
            }
        ),
    ),
    "meetkai-functionary-medium-v3.2": replace(TOOLS_AND_TEXT, arguments=STRING),
    "GigaChat3.1-10B-A1.8B": replace(TOOLS_AND_TEXT, parallel_tool_calls=False, arguments=EITHER),
    "idefics3": replace(
        TEXT_ONLY, late_system=True, images=True, content_parts=True, content_strings=False
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPECTED)
def test_a_real_template_is_found_able_of_what_its_text_says(
    name: str, real_templates: RealTemplates
) -> None:
    assert probe_abilities(real_templates.template(name)) == EXPECTED[name]


@pytest.mark.slow
def test_no_real_template_makes_the_probe_fail(real_templates: RealTemplates) -> None:
    for name in real_templates.names:
        assert probe_abilities(real_templates.template(name)).reasoning.settings


def abilities(source: str) -> TemplateAbilities:
    return probe_abilities(ChatTemplate(source, {}))


def test_a_template_of_roles_and_texts_shows_no_tools() -> None:
    # It writes down any role, "tool" and "developer" too: that is not to know them all.
    assert abilities(CHATML_TEMPLATE) == replace(TEXT_ONLY, tool_results=True, late_system=True)


def test_a_template_that_refuses_everything_can_do_nothing() -> None:
    found = abilities("{{ raise_exception('no') }}")
    assert found == replace(TEXT_ONLY, system=False, repeated_roles=False, content_strings=False)


def test_a_list_printed_as_python_or_json_is_no_content_in_parts() -> None:
    for printed in ("{{ message.content }}", "{{ message.content | tojson }}"):
        source = f"{{% for message in messages %}}{printed}{{% endfor %}}"
        assert not abilities(source).content_parts
        assert not abilities(source).images


def calls(arguments: str, content: str = "''") -> str:
    return (
        "{% for message in messages %}{{ message.role + " + content + " }}"
        "{{ message.content or '' }}{% for call in message.tool_calls or [] %}"
        "{{ call.function.name }}{{ " + arguments + " }}{% endfor %}{% endfor %}"
    )


@pytest.mark.parametrize(
    ("arguments", "form"),
    [
        ("call.function.arguments | tojson", ArgumentsForm.MAPPING),
        ("call.function.arguments", ArgumentsForm.STRING),
        (
            "call.function.arguments if call.function.arguments is string"
            " else call.function.arguments | tojson",
            ArgumentsForm.EITHER,
        ),
        ("call.function.arguments.items() | list", ArgumentsForm.MAPPING),
    ],
)
def test_arguments_take_the_form_that_is_shown_as_json_once(
    arguments: str, form: ArgumentsForm
) -> None:
    found = abilities(calls(arguments))
    assert found.tool_calls
    assert found.arguments is form


@pytest.mark.parametrize(
    ("content", "needed"),
    [
        ("message.content", CallContent.EMPTY_STRING),  # fails without any
        ("('[]' if message.content is defined else '')", CallContent.NULL),  # marks what is not
        ("''", CallContent.EMPTY_STRING),
    ],
)
def test_a_call_s_content_is_what_the_template_takes_and_adds_nothing_to(
    content: str, needed: CallContent
) -> None:
    assert abilities(calls("call.function.arguments | tojson", content)).call_content is needed


@pytest.mark.parametrize(
    ("condition", "replay"),
    [
        ("true", ReasoningReplay.ALL),
        ("loop.index > 1 and messages[-1].role == 'tool'", ReasoningReplay.LOOP),
        ("false", ReasoningReplay.NEVER),
    ],
)
def test_reasoning_is_followed_into_the_prompts(condition: str, replay: ReasoningReplay) -> None:
    source = (
        "{% for message in messages %}{{ message.content or '' }}"
        "{{ message.thinking if " + condition + " }}{% endfor %}"
    )
    assert abilities(source).reasoning_replay is replay
