"""How a template is told to think. Real templates are in test_template_abilities.py."""

import pytest

from antiphon.models.ability_probe import probe_abilities
from antiphon.models.chat_template import ChatTemplate
from antiphon.models.errors import ChatTemplateError, UnsupportedEffort
from antiphon.models.reasoning_switch import EFFORTS, OFF, ReasoningSwitch

MESSAGES = "{% for message in messages %}{{ message.content }}{% endfor %}"
SWITCH = "{{ '<think></think>' if enable_thinking is defined and not enable_thinking }}"
LEVELS = "['low', 'high']"


def switch_of(source: str) -> ReasoningSwitch:
    return probe_abilities(ChatTemplate(MESSAGES + source, {})).reasoning


def test_nothing_asked_sets_nothing() -> None:
    assert switch_of(SWITCH).variables(None) == {}
    assert switch_of("").variables(None) == {}


def test_a_switch_is_off_for_none_and_on_for_every_other_effort() -> None:
    switch = switch_of(SWITCH)
    assert switch.variables(OFF) == {"enable_thinking": False}
    for effort in EFFORTS[1:]:
        assert switch.variables(effort) == {"enable_thinking": True}


def test_a_template_without_reasoning_does_without_and_no_more() -> None:
    switch = switch_of("")
    assert switch.variables(OFF) == {}
    with pytest.raises(UnsupportedEffort, match=r"effort 'high'; it knows none\.$"):
        switch.variables("high")


def test_a_model_that_always_thinks_cannot_be_told_not_to() -> None:
    switch = switch_of("{{ '<think>' if add_generation_prompt }}")
    assert switch.variables("high") == {}
    with pytest.raises(UnsupportedEffort) as raised:
        switch.variables(OFF)
    assert raised.value.param == "reasoning.effort"
    assert isinstance(raised.value, ChatTemplateError)


def test_levels_are_those_that_the_template_does_not_refuse() -> None:
    check = "{{ raise_exception('?') if reasoning_effort | default('low') not in " + LEVELS + " }}"
    switch = switch_of(SWITCH + check + "{{ reasoning_effort }}")
    assert list(switch.settings) == [OFF, "low", "high"]
    assert switch.variables("high") == {"enable_thinking": True, "reasoning_effort": "high"}
    with pytest.raises(UnsupportedEffort, match="knows none, low, high"):
        switch.variables("medium")


def test_a_template_that_writes_down_any_word_is_given_the_usual_ones() -> None:
    switch = switch_of("{{ 'Reasoning: ' + reasoning_effort | default('medium') }}")
    assert list(switch.settings) == ["low", "medium", "high"]
    assert switch.variables("low") == {"reasoning_effort": "low"}


def test_levels_beside_the_default_leave_the_usual_efforts_as_they_are() -> None:
    switch = switch_of(SWITCH + "{{ 'Think hard.' if reasoning_effort == 'high' }}")
    assert switch.variables("medium") == {"enable_thinking": True}
    assert switch.variables("high") == {"enable_thinking": True, "reasoning_effort": "high"}
    with pytest.raises(UnsupportedEffort):
        switch.variables("xhigh")


def test_a_flag_stands_for_one_effort() -> None:
    switch = switch_of(SWITCH + "{{ 'Be quick.' if low_effort }}")
    assert switch.variables("low") == {"enable_thinking": True, "low_effort": True}
    assert switch.variables("medium") == {"enable_thinking": True}


def test_a_variable_that_changes_nothing_is_no_switch() -> None:
    assert switch_of("{% if enable_thinking %}{% endif %}").settings == {OFF: {}}
