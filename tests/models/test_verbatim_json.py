"""Arguments that come out of a template exactly as they were written."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.models.chat_template import ChatTemplate
from antiphon.models.verbatim_json import VerbatimArray, VerbatimObject, read_object, write_json

WRITTEN = '{ "b":1.00,"a" : [1, {"c":-0.0e+1}],\n "big": 12345678901234567890, "e": "\\u00e9"}'


def rendered(template: str, **variables: Any) -> str:  # noqa: ANN401 - plain JSON
    return ChatTemplate(template, {}).render([], **variables)


def test_values_are_those_that_json_reads() -> None:
    assert read_object(WRITTEN) == json.loads(WRITTEN)


def test_tojson_writes_an_object_as_it_was_written() -> None:
    arguments = read_object(WRITTEN)
    assert rendered("{{ arguments | tojson }}", arguments=arguments) == WRITTEN
    call = {"name": "é", "arguments": arguments}
    assert rendered("{{ calls | tojson }}", calls=[call]) == (
        f'[{{"name": "é", "arguments": {WRITTEN}}}]'
    )


def test_parts_of_an_object_are_written_as_they_were_too() -> None:
    template = (
        "{% for key, value in arguments | items %}{{ key }}={{ value | tojson }};{% endfor %}"
    )
    assert rendered(template, arguments=read_object(WRITTEN)) == (
        'b=1.00;a=[1, {"c":-0.0e+1}];big=12345678901234567890;e="é";'
    )
    assert rendered("{{ arguments.b }}", arguments=read_object(WRITTEN)) == "1.00"


def test_a_template_that_asks_for_a_form_gets_it() -> None:
    arguments = read_object('{"b":1, "a":2}')
    assert rendered("{{ x | tojson(sort_keys=true) }}", x=arguments) == '{"a": 2, "b": 1}'
    assert rendered("{{ x | tojson(indent=1) }}", x=arguments) == '{\n "b": 1,\n "a": 2\n}'


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '"{}"', '{"a": NaN}', '{"a": "\\ud800"}', "{} {}", "[" * 9999]
)
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_object(text)


SCALARS = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)
VALUES = st.recursive(
    SCALARS.filter(lambda value: value not in (float("inf"), float("-inf"))),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60)
@given(st.dictionaries(st.text(), VALUES, max_size=4), st.sampled_from([None, 1]), st.booleans())
def test_any_object_is_read_as_json_reads_it_and_written_as_it_was(
    value: dict[str, object], indent: int | None, ensure_ascii: bool
) -> None:
    try:
        text = json.dumps(value, indent=indent, ensure_ascii=ensure_ascii)
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    read = read_object(text)
    assert read == value
    assert write_json(read) == text
    assert _parts_are_their_text(read)


def _parts_are_their_text(value: object) -> bool:
    match value:
        case VerbatimObject():
            return json.loads(value.source) == value and all(
                map(_parts_are_their_text, value.values())
            )
        case VerbatimArray():
            return json.loads(value.source) == value and all(map(_parts_are_their_text, value))
    return True


def test_what_remembers_nothing_is_written_as_json_writes_it() -> None:
    value = {"a": [1, 2.5, None], "b": {"c": "é"}}
    assert write_json(value) == json.dumps(value, ensure_ascii=False)
