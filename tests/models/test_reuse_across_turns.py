"""Which templates let the next turn of a conversation reuse what the last one has computed.

The engine finds a prefix again where the next prompt begins with the last prompt and what was
sampled behind it. Whether it does is for the template to say: the sampled turn is taken as the
template itself writes it while it is the last one, which is what the model has learnt to write.
A thinking turn that was answered by the user, and a thinking turn that called a tool.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from antiphon.models.ability_probe import probe_abilities
from antiphon.models.chat_template import ChatTemplate
from antiphon.models.errors import ChatTemplateError
from antiphon.models.language_side import LanguageSide
from antiphon.server.chat.message import ChatCall, ChatMessage, Role
from antiphon.server.chat.template_messages import template_messages
from antiphon.server.prompt import build_prompt
from tests.real_templates import RealTemplates
from tests.tiny import train_tokenizer

TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "f",
        "description": "Does.",
        "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}},
    },
}
CALL = ChatCall("call_1", "f", '{"a": 1}')
QUESTION = ChatMessage(Role.USER, "Question")
ANSWER = ChatMessage(Role.ASSISTANT, "Answer", reasoning="Thought")
CALLING = ChatMessage(Role.ASSISTANT, reasoning="Thought", calls=(CALL,))
MORE = ChatMessage(Role.USER, "More")
RESULT = ChatMessage(Role.TOOL, "Result", answered=CALL)

END_OF_ALL = "</s>"  # what some templates write where nobody is asked to speak

# Past thoughts are left out, or the turn is written in another way, once something follows it:
# the tokens of that turn are computed again, and those before it are not.
THOUGHTS = "thoughts"
# The end of the prompt, as where it opens the thoughts or closes them, is not in the history.
OPENING = "opening"

THOUGHTS_ARE_DROPPED = (
    "GLM-4.6",
    "GLM-4.7-Flash",
    "LFM2.5-8B-A1B",
    "MiniMax-M2",
    "NVIDIA-Nemotron-3-Nano-30B-A3B-BF16",
    "NVIDIA-Nemotron-Nano-v2",
    "Qwen-Qwen3-0.6B",
    "Qwen3.5-4B",
    "StepFun3.5-Flash",
    "diffusion_gemma",
    "gemma4_v5",
    "glm4moe",
    "gptoss",
    "lfm2_2_5",
    "lfm2_2_5_v2",
    "lfm2_2_5_vl",
    "nemotron_3_5_lightning",
    "nemotron_3_nano",
    "nemotron_3_super",
    "nemotron_3_ultra",
    "openai-gpt-oss-120b",
    "openbmb-MiniCPM5-1B",
    "qwen3",
    "qwen3_5_nothink",
    "qwen3_5_think",
    "qwen3_6",
    "upstage-Solar-Open-100B",
)
OPENING_IS_DROPPED = (
    "Apriel-1.6-15b-Thinker-fixed",
    "CohereForAI-c4ai-command-r7b-12-2024-tool_use",
    "Qwen-QwQ-32B",
    "deepseek-ai-DeepSeek-R1-Distill-Llama-8B",
    "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B",
    "deepseek-ai-DeepSeek-V3.2",
    "deepseek_r1_distill",
    "deepseekv3",
    "google-gemma-4-31B-it",
    "google-gemma-4-31B-it-interleaved",
    "llama-cpp-deepseek-r1",
)
LOST_AFTER_ANSWERS = dict.fromkeys(THOUGHTS_ARE_DROPPED, THOUGHTS) | dict.fromkeys(
    OPENING_IS_DROPPED, OPENING
)
LOST_IN_LOOPS = dict.fromkeys(OPENING_IS_DROPPED, OPENING) | {
    "NVIDIA-Nemotron-Nano-v2": OPENING,
    "CohereForAI-c4ai-command-r7b-12-2024-tool_use": THOUGHTS,
    "unsloth-Apriel-1.5": THOUGHTS,  # past calls are written with their ids
}


@pytest.fixture(scope="module")
def language_side(tmp_path_factory: pytest.TempPathFactory) -> LanguageSide:
    return LanguageSide.load(train_tokenizer(tmp_path_factory.mktemp("tiny") / "tokenizer"))


@pytest.fixture(scope="module")
def speakers(real_templates: RealTemplates, language_side: LanguageSide) -> dict[str, LanguageSide]:
    """By the names of their templates."""
    return {
        name: speaking(language_side, real_templates.template(name))
        for name in real_templates.names
    }


def speaking(language_side: LanguageSide, template: ChatTemplate) -> LanguageSide:
    return replace(language_side, chat_template=template, abilities=probe_abilities(template))


def rendered(
    side: LanguageSide, messages: Sequence[ChatMessage], tools: Sequence[dict[str, Any]]
) -> str:
    """The conversation as it stands, with nobody asked to speak."""
    assert side.chat_template is not None
    assert side.abilities is not None
    return side.chat_template.render(
        template_messages(messages, tools, side.abilities),
        tools=tools if tools and side.abilities.tools else None,
        add_generation_prompt=False,
        **side.abilities.reasoning.variables(None),
    )


def what_is_lost(side: LanguageSide, turn: ChatMessage, following: ChatMessage) -> str | None:
    """Why the next prompt does not begin with this turn; None where it does.

    A model that is not asked to think is taken at its word: its turn is the one without thoughts.
    Raises ChatTemplateError where the template cannot show the conversation.
    """
    tools = [TOOL] if turn.calls else []
    prompt = build_prompt([QUESTION], side, tools=tools).text
    for said_turn in (turn, replace(turn, reasoning=None)):
        said = rendered(side, [QUESTION, said_turn], tools).removesuffix(END_OF_ALL).rstrip()
        if said.startswith(prompt):
            next_prompt = build_prompt([QUESTION, said_turn, following], side, tools=tools).text
            return None if next_prompt.startswith(said) else THOUGHTS
    return OPENING


def losses(
    speakers: dict[str, LanguageSide], turn: ChatMessage, following: ChatMessage
) -> dict[str, str]:
    found = {}
    for name, side in speakers.items():
        with suppress(ChatTemplateError):  # it shows no such conversation
            lost = what_is_lost(side, turn, following)
            if lost is not None:
                found[name] = lost
    return found


@pytest.mark.slow
def test_after_an_answer_all_other_templates_keep_the_prefix(
    speakers: dict[str, LanguageSide],
) -> None:
    assert losses(speakers, ANSWER, MORE) == LOST_AFTER_ANSWERS


@pytest.mark.slow
def test_while_tools_are_called_all_other_templates_keep_the_prefix(
    speakers: dict[str, LanguageSide],
) -> None:
    assert losses(speakers, CALLING, RESULT) == LOST_IN_LOOPS
