"""Which dialect a template speaks. What is expected was read off the templates themselves."""

from pathlib import Path

import pytest
import tokenizers

from antiphon.models.chat_template import ChatTemplate
from antiphon.models.dialect_detection import detect_dialect
from antiphon.models.errors import UnknownDialect
from antiphon.models.tokenizer import Tokenizer
from tests.real_templates import RealTemplates
from tests.tiny import CHATML_TEMPLATE, train_tokenizer

CALLING_TEMPLATE = (
    "{% for tool in tools or [] %}{{ tool | tojson }}\n{% endfor %}"
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}"
    "{% for call in message.tool_calls or [] %}CALL{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
HERMES_CALL = (
    '<tool_call>\n{"name": "{{ call.function.name }}", '
    '"arguments": {{ call.function.arguments | tojson }}}\n</tool_call>\n'
)
NOBODY_S_CALL = "<tool_call>{{ call.function.arguments | tojson }} to {{ call.function.name }}"

# Of dialects that are the same but for their names, the first in the registry stands for all.
SHOWING_CALLS = {
    "apertus": ("Apertus-8B-Instruct",),
    "apriel": ("Apriel-1.6-15b-Thinker-fixed", "unsloth-Apriel-1.5"),
    "command_r7b": ("Cohere2MoE", "CohereForAI-c4ai-command-r7b-12-2024-tool_use"),
    "command_r_plus": ("CohereForAI-c4ai-command-r-plus-tool_use",),
    "deepseek_r1": ("deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", "deepseekv3"),
    "deepseek_v31": ("deepseek-ai-DeepSeek-V3.1",),
    "deepseek_v32": ("deepseek-ai-DeepSeek-V3.2",),
    "deepseek_v4": ("deepseek-ai-DeepSeek-V4", "deepseek-ai-DeepSeek-V4-Flash-0731"),
    "functionary_v31": ("meetkai-functionary-medium-v3.1",),
    "gemma4": (
        "google-gemma-4-31B-it",
        "google-gemma-4-31B-it-interleaved",
        "gemma4",
        "gemma4_v2",
        "gemma4_v3",
        "gemma4_v4",
        "gemma4_v5",
        "diffusion_gemma",
    ),
    "gigachat": ("GigaChat3-10B-A1.8B", "GigaChat3.1-10B-A1.8B"),
    "glm45": (
        "GLM-4.6",
        "glm4moe",
        "inclusionai-ling-3.0-flash",
        "poolside-Laguna-XS.2",
        "poolside-Laguna-XS-2.1",
    ),
    "glm47": ("GLM-4.7-Flash", "Spark2.5", "poolside-Laguna-S-2.1"),
    "gpt_oss": ("openai-gpt-oss-120b", "gptoss"),
    "granite4": ("ibm-granite-granite-4.0", "ibm-granite-granite-4.1"),
    "hy3": ("tencent-Hy3",),
    "kimi_k2": ("moonshotai-Kimi-K2",),
    "kimi_k3": ("Kimi-K3",),
    "lfm2": ("LFM2.5-8B-A1B", "lfm2_2_5", "lfm2_2_5_v2", "lfm2_2_5_vl", "lfm2_v2"),
    "llama3": (
        "meta-llama-Llama-3.1-8B-Instruct",
        "meta-llama-Llama-3.2-3B-Instruct",
        "meta-llama-Llama-3.3-70B-Instruct",
        "llama3_1",
        "llama3_2",
    ),
    "magistral": ("mistralai-Ministral-3-14B-Reasoning-2512",),
    "minicpm5": ("openbmb-MiniCPM5-1B",),
    "minimax_m1": ("MiniMax-M1",),
    "minimax_m2": ("MiniMax-M2",),
    "mistral": ("Mistral-Small-3.2-24B-Instruct-2506", "unsloth-mistral-Devstral-Small-2507"),
    "mistral_v3": ("mistralai-Mistral-Nemo-Instruct-2407",),
    "nemotron_nano_v2": ("NVIDIA-Nemotron-Nano-v2",),
    "qwen25": (
        "Qwen-Qwen2.5-7B-Instruct",
        "qwen2_5",
        "qwen3_instruct_2507",
        "qwen3_vl",
        "MiMo-VL",
        "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use",
        "NousResearch-Hermes-3-Llama-3.1-8B-tool_use",
    ),
    "qwen3": (
        "Qwen-Qwen3-0.6B",
        "qwen3",
        "Qwen-QwQ-32B",
        "Bielik-11B-v3.0-Instruct",
        "Reka-Edge",
    ),
    "qwen35": (
        "Qwen3.5-4B",
        "qwen3_5_think",
        "qwen3_5_nothink",
        "qwen3_6",
        "qwen3_8",
        "NVIDIA-Nemotron-3-Nano-30B-A3B-BF16",
        "nemotron_3_nano",
        "nemotron_3_super",
        "nemotron_3_ultra",
        "nemotron_3_5_lightning",
        "StepFun3.5-Flash",
    ),
    "qwen3_coder": ("Qwen3-Coder",),
    "seed_oss": ("ByteDance-Seed-OSS",),
    "solar_open": ("upstage-Solar-Open-100B",),
}
# They show calls in ways that no dialect reads; a wrong one would be worse than none.
UNREAD = {
    "MiniMax-M3": "plain",  # values nested in tags, each behind a mark of its own
    "meetkai-functionary-medium-v3.2": "plain",  # names on a line behind >>>, also for text
    "muse-glimmer": "plain",  # recipients in the headers of messages
    "muse_glimmer": "plain",
}
SHOWING_NONE = {
    "Kimi-K2-Instruct": "kimi_k2",  # fails on calls: it appends to a list
    "Kimi-K2-Thinking": "kimi_k2",
    "deepseek-ai-DeepSeek-R1-Distill-Llama-8B": "deepseek_r1",  # drops calls without content
    "deepseek_r1_distill": "deepseek_r1",
    "llama-cpp-deepseek-r1": "deepseek_r1",  # fails on tools: it writes a generator as JSON
    "fireworks-ai-llama-3-firefunction-v2": "phi4mini",  # wants tools in another variable
    "ibm-granite-granite-3.3-2B-Instruct": "granite32",
    "HuggingFaceTB-SmolLM3-3B": "think",
    "llama-cpp-rwkv-world": "think",
    "LFM2-8B-A1B": "plain",  # its markers are in the vocabulary only
    "LFM2.5-Instruct": "plain",
    "lfm2": "plain",
    "cohere": "plain",
    "cohere2": "plain",
    "gemma": "plain",
    "gemma3": "plain",
    "google-gemma-2-2b-it": "plain",
    "idefics3": "plain",
    "llama3": "plain",
    "llava_next": "plain",
    "microsoft-Phi-3.5-mini-instruct": "plain",
    "phi3": "plain",
    "phi3_5": "plain",
    "qwen2_5_vl": "plain",  # has a token for calls; the template knows nothing of it
    "smolvlm": "plain",
}
EXPECTED = {name: id_ for id_, names in SHOWING_CALLS.items() for name in names}


def calling_template(call: str) -> ChatTemplate:
    return ChatTemplate(CALLING_TEMPLATE.replace("CALL", call), {})


def tokenizer_with(folder: Path, *tokens: str) -> Tokenizer:
    path = train_tokenizer(folder) / "tokenizer.json"
    backend = tokenizers.Tokenizer.from_file(str(path))
    backend.add_tokens([tokenizers.AddedToken(token) for token in tokens])
    backend.save(str(path))
    return Tokenizer.from_folder(folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPECTED)
def test_a_real_template_that_shows_calls_reads_its_own_back(
    name: str, real_templates: RealTemplates
) -> None:
    found = detect_dialect(real_templates.template(name), None)
    assert found.dialect.id == EXPECTED[name]
    assert found.reason.startswith("round trip: ")


@pytest.mark.slow
@pytest.mark.parametrize("name", UNREAD)
def test_calls_that_no_dialect_reads_are_not_given_to_one(
    name: str, real_templates: RealTemplates
) -> None:
    assert detect_dialect(real_templates.template(name), None).dialect.id == UNREAD[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", SHOWING_NONE)
def test_a_real_template_without_calls_is_known_by_its_markers(
    name: str, real_templates: RealTemplates
) -> None:
    assert detect_dialect(real_templates.template(name), None).dialect.id == SHOWING_NONE[name]


@pytest.mark.slow
def test_every_real_template_is_in_one_of_the_tables(real_templates: RealTemplates) -> None:
    assert sorted([*EXPECTED, *UNREAD, *SHOWING_NONE]) == real_templates.names
    assert len(EXPECTED) >= 0.95 * (len(EXPECTED) + len(UNREAD))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["LFM2-8B-A1B", "lfm2"])
def test_markers_may_be_in_the_vocabulary_alone(
    name: str, real_templates: RealTemplates, tmp_path: Path
) -> None:
    tokenizer = tokenizer_with(tmp_path, "<|tool_call_start|>", "<|tool_call_end|>")
    assert detect_dialect(real_templates.template(name), tokenizer).dialect.id == "lfm2"


def test_a_round_trip_says_what_came_back() -> None:
    found = detect_dialect(calling_template(HERMES_CALL), None)
    assert found.dialect.id == "qwen25"
    assert found.reason == "round trip: 2 calls came back"
    assert found.abilities is not None
    assert found.abilities.parallel_tool_calls


def test_reasoning_that_comes_back_decides_between_dialects_with_the_same_calls() -> None:
    thought = "{% if message.thinking %}<think>\n{{ message.thinking }}\n</think>\n{% endif %}"
    source = CALLING_TEMPLATE.replace("{{ message.content }}", thought + "{{ message.content }}")
    found = detect_dialect(ChatTemplate(source.replace("CALL", HERMES_CALL), {}), None)
    assert found.dialect.id == "qwen3"
    assert found.reason == "round trip: 2 calls and the reasoning came back"


def test_a_call_that_nobody_reads_back_is_no_dialect_s_though_markers_are_there() -> None:
    found = detect_dialect(calling_template(NOBODY_S_CALL), None)
    assert found.dialect.id == "plain"
    assert found.reason == "nothing was recognised"


def test_a_template_without_calls_is_known_by_a_marker_in_its_text() -> None:
    instruction = "{{ 'Call tools within <TOOLCALL>[]</TOOLCALL>.' if tools }}"
    found = detect_dialect(ChatTemplate(instruction + CHATML_TEMPLATE, {}), None)
    assert found.dialect.id == "nemotron_nano_v2"
    assert found.reason == "its markers are in the template or the vocabulary"


def test_a_pair_of_thinking_tokens_alone_is_recognised(tmp_path: Path) -> None:
    tokenizer = tokenizer_with(tmp_path, "<think>", "</think>")
    found = detect_dialect(ChatTemplate(CHATML_TEMPLATE, {}), tokenizer)
    assert found.dialect.id == "think"
    assert found.reason == "only its thinking tags were recognised"


def test_a_response_template_of_plain_strings_becomes_a_dialect() -> None:
    fields = {
        "reasoning_content": {"open": "<hm>", "close": "</hm>"},
        "tool_calls": {
            "open_pattern": r"\s*<call\.now>",
            "close": "</call>",
            "content": "json",
            "transform": {"type": "function", "function": "{content}"},
        },
    }
    template = ChatTemplate(CHATML_TEMPLATE, {})
    found = detect_dialect(template, None, response_template={"fields": fields})
    assert found.reason == "the tokenizer's response template says so"
    (calls,), (reasoning,) = found.dialect.calls, found.dialect.reasoning
    assert (calls.open, calls.close) == ("<call.now>", "</call>")
    assert (reasoning.open, reasoning.close) == ("<hm>", "</hm>")


@pytest.mark.parametrize(
    "calls",
    [
        None,
        {"open": "<call>", "content": "json"},
        {"open": "<call>", "close": "</call>", "content": "text"},
        {"open_pattern": r"<call (\w+)>", "close": "</call>", "content": "json"},
        {"open": "<call>", "close": "</call>", "content": "json", "transform": {"name": "f"}},
    ],
)
def test_a_response_template_with_patterns_of_its_own_is_left_alone(calls: object) -> None:
    fields = {"tool_calls": calls}
    template = ChatTemplate(CHATML_TEMPLATE, {})
    found = detect_dialect(template, None, response_template={"fields": fields})
    assert found.dialect.id == "plain"


def test_the_user_has_the_last_word_and_is_told_what_speaks_against_it() -> None:
    found = detect_dialect(calling_template(HERMES_CALL), None, override="gpt_oss")
    assert found.dialect.id == "gpt_oss"
    assert "does not read what the template writes" in found.reason
    assert found.abilities is not None


def test_a_fitting_choice_of_the_user_is_confirmed() -> None:
    found = detect_dialect(calling_template(HERMES_CALL), None, override="qwen25")
    assert found.reason == "chosen by the user; round trip: 2 calls came back"


def test_a_dialect_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownDialect, match="klingon"):
        detect_dialect(None, None, override="klingon")


def test_a_model_without_a_template_speaks_plainly() -> None:
    found = detect_dialect(None, None)
    assert found.dialect.id == "plain"
    assert found.abilities is None
