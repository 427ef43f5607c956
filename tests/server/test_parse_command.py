"""`antiphon parse`: JSON lines in, what they are made of out."""

import io
import json
import subprocess
import sys
from typing import Any

import pytest

from antiphon.server.cli import main

CALL = '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>'
F = {"name": "f", "arguments": '{"a": 1}'}


class Stdin:
    """Standard input, as far as the command reads it."""

    def __init__(self, text: str | bytes) -> None:
        self.buffer = io.BytesIO(text.encode() if isinstance(text, str) else text)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> "Run":
    return Run(monkeypatch, capsysbinary)


class Run:
    """Runs the command on lines, and keeps its exit code."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, output: pytest.CaptureFixture[bytes]
    ) -> None:
        self._monkeypatch = monkeypatch
        self._output = output
        self.code: int | None = None

    def __call__(self, *lines: str | bytes | dict[str, Any], flags: str = "") -> list[Any]:
        encoded = [json.dumps(line) if isinstance(line, dict) else line for line in lines]
        source = b"\n".join(line.encode() if isinstance(line, str) else line for line in encoded)
        self._monkeypatch.setattr(sys, "stdin", Stdin(source))
        self.code = main(["parse", *flags.split()])
        return [json.loads(line) for line in self._output.readouterr().out.splitlines()]


def test_an_output_is_sorted(run: Run) -> None:
    [answer] = run({"dialect": "qwen3", "raw": f"<think>Hm.</think>So: {CALL}"})
    assert answer == {"reasoning": "Hm.", "text": "So: ", "calls": [F], "complete": True}
    assert run.code == 0


@pytest.mark.parametrize("split", ["whole", "chars", 1, 3, 1000])
def test_how_it_is_fed_makes_no_difference(run: Run, split: object) -> None:
    line = {"dialect": "qwen3", "raw": f"So: {CALL}"}
    assert run({**line, "split": split}) == run(line)


def test_the_prompt_may_have_opened_the_thinking(run: Run) -> None:
    [answer] = run({"dialect": "qwen3", "raw": "Hm.</think>Hi", "prompt_opens_reasoning": True})
    assert (answer["reasoning"], answer["text"]) == ("Hm.", "Hi")


def test_what_was_cut_off_is_incomplete(run: Run) -> None:
    [answer] = run({"dialect": "qwen3", "raw": CALL[:40], "finish": "length"})
    assert not answer["complete"]
    assert answer["calls"] == []
    assert [call["name"] for call in answer["incomplete_calls"]] == ["f"]


def test_tools_give_bare_values_their_types(run: Run) -> None:
    raw = "<tool_call><function=f><parameter=a>1</parameter></function></tool_call>"
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    answers = [
        run({"dialect": "qwen35", "raw": raw, "tools": {"f": tool}})
        for tool in (schema, {"a": "integer"}, {"a": "string"})
    ]
    arguments = [answer["calls"][0]["arguments"] for [answer] in answers]
    assert arguments == ['{"a": 1}', '{"a": 1}', '{"a": "1"}']


def test_events_are_shown_when_they_are_asked_for(run: Run) -> None:
    [answer] = run({"dialect": "qwen3", "raw": f"So: {CALL}"}, flags="--events")
    assert answer["events"] == [
        {"type": "text_delta", "text": "So: ", "offset": 0, "phase": None},
        {"type": "call_started", "index": 0, "name": "f", "native_id": None},
        {"type": "arguments_delta", "index": 0, "json_text": '{"a": 1}'},
        {"type": "call_finished", "index": 0},
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "truncated"),
        (b"\xff", ""),
        ({"dialect": "qwen3"}, "raw"),
        ({"dialect": "qwen33", "raw": ""}, "Unknown dialect 'qwen33': there are apertus, "),
        ({"dialect": "qwen3", "raw": "", "spilt": 3}, "spilt"),
        ({"dialect": "qwen3", "raw": "", "split": 0}, "split"),
        ({"dialect": "qwen3", "raw": "", "finish": "eos"}, "finish"),
    ],
)
def test_a_line_that_makes_no_sense_is_answered_in_its_place(
    run: Run, line: str | bytes | dict[str, Any], message: str
) -> None:
    good = {"dialect": "qwen3", "raw": "Hi"}
    first, second, third = run(good, line, good)
    assert first == third == {"reasoning": "", "text": "Hi", "calls": [], "complete": True}
    assert message in second["error"]
    assert run.code == 1


def test_empty_lines_are_passed_over(run: Run) -> None:
    assert run("", {"dialect": "plain", "raw": ""}, "  ", "") == [
        {"reasoning": "", "text": "", "calls": [], "complete": True}
    ]


@pytest.mark.slow
def test_the_process_answers_line_by_line() -> None:
    lines = [
        {"dialect": "glm47", "raw": "<tool_call>f</tool_call>"},
        {"dialect": "plain", "raw": "é"},
    ]
    answer = subprocess.run(
        [sys.executable, "-m", "antiphon.server", "parse"],
        input="\n".join(map(json.dumps, lines)),
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = map(json.loads, answer.stdout.splitlines())
    assert first["calls"] == [{"name": "f", "arguments": "{}"}]
    assert second["text"] == "é"
