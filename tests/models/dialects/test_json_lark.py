"""A custom tool's grammar inside a JSON string: the same texts, escaped."""

import json
import random

import pytest

from antiphon.models.dialects.json_lark import in_json_string
from antiphon.models.errors import UnsupportedGrammar
from tests.models.dialects.custom_grammars import ALL, APPLY_PATCH, ARITHMETIC, SQL, TIMESTAMP
from tests.models.dialects.grammar_sampler import GrammarSampler

NUM_SAMPLES = 40
ENDS = ["\n", "\\n", "\n*** End Patch", "\\n*** End Patch", '"', '\\"']


@pytest.fixture(scope="module")
def sampler() -> GrammarSampler:
    return GrammarSampler()


def escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


@pytest.mark.parametrize("name", ALL)
def test_every_text_of_a_grammar_is_accepted_as_json_writes_it(
    name: str, sampler: GrammarSampler
) -> None:
    generator = random.Random(f"texts of {name}")
    inside = in_json_string(ALL[name])
    for _ in range(NUM_SAMPLES):
        text = sampler.draw(ALL[name], generator, likely=ENDS)
        assert sampler.accepts(inside, escaped(text)), text


@pytest.mark.parametrize("name", ALL)
def test_every_string_that_is_accepted_decodes_to_a_text_of_the_grammar(
    name: str, sampler: GrammarSampler
) -> None:
    generator = random.Random(f"strings of {name}")
    inside = in_json_string(ALL[name])
    for _ in range(NUM_SAMPLES):
        written = sampler.draw(inside, generator, likely=ENDS)
        # What a grammar ignores may stand at the end in JSON, but not in llguidance.
        text = json.loads(f'"{written}"').rstrip(" \t" if "%ignore" in ALL[name] else "")
        assert sampler.accepts(ALL[name], text), written


@pytest.mark.parametrize(
    ("grammar", "text"),
    [
        (APPLY_PATCH, '*** Begin Patch\n*** Add File: a "b".py\n+x = "\\n"\n+\n*** End Patch\n'),
        (APPLY_PATCH, "*** Begin Patch\n*** Update File: é\n@@ f()\n-\tx\n+ y\\\n*** End Patch"),
        (ARITHMETIC, "1 + 2 *\t(3 - 4)"),
        (SQL, "select a, \"b\" FROM t WHERE a = 'it''s \"x\"\n' OR b > 1.5;"),
        (TIMESTAMP, "March 7th 2025 at 10AM"),
        ("start: /.*;/", 'a;"b;'),
        ("start: /(?i)x\\n[Y\"]/", 'X\ny'),
        ("start: /[^\\w\\s]+/ /\\p{Lu}\\x{22}/", '!"É"'),
        ("start: STRING STRING\nSTRING: /'[^']*'/", "'\n''\"'"),
        ("start: /[\\x00-\\x1f]\\x1b/", "\x07\x1b"),
        ("start: /.{2,40}/ B\nB: /[^b]{1,3}b/", '"' * 40 + 'a"b'),
        ('start: ["a"] "b"~2 "\\x22"{0,1}', 'abb"'),
    ],
)  # fmt: skip
def test_a_text_may_hold_what_json_escapes(
    grammar: str, text: str, sampler: GrammarSampler
) -> None:
    assert sampler.accepts(in_json_string(grammar), escaped(text))


@pytest.mark.parametrize(
    ("grammar", "text"),
    [
        (APPLY_PATCH, "*** Begin Patch\n*** Add File: a\n*** End Patch\n"),
        (ARITHMETIC, "1 + (2"),
        ("start: /[^\\n]+/", "a\nb"),
        ('start: "A\\n"i', "a\r"),
    ],
)
def test_other_texts_are_not_accepted(grammar: str, text: str, sampler: GrammarSampler) -> None:
    assert not sampler.accepts(in_json_string(grammar), escaped(text))


def test_letters_of_an_escape_keep_their_case(sampler: GrammarSampler) -> None:
    inside = in_json_string('start: "a\\n"i')
    assert sampler.accepts(inside, r"A\n")
    assert not sampler.accepts(inside, r"A\N")


@pytest.mark.parametrize(
    ("grammar", "what"),
    [
        ('start: %json {"type": "string"}', "%json"),
        ("start: @other", "@other"),
        ("start: <|end|>", "<|end|>"),
        ('%override start: "a"', "%override start"),
        ("%import other.NAME\nstart: NAME", "%import other.NAME"),
        ("%import common.NOTHING\nstart: NOTHING", "%import common.NOTHING"),
        ('start[lazy]: "a"', "start ["),
        ("start: A\nA: B", "B without a definition"),
        ("start: A\nA: B\nB: A", "A inside of itself"),
        ('start: A\nA: "a" & /b/', "& in a terminal"),
        ("start: /a(?=b)/", "a regular expression with '('"),
        ("start: /^a/", "a regular expression with '^'"),
        (r"start: /\ba/", r"a regular expression with \b"),
        ("start: /(?x:a b)/", "the flag x"),
        ("start: /[z-a]/", "the regular expression [z-a]"),
        (r'start: "\q"', r'the literal "\q"'),
        ('start: "ab".."c"', 'the range "ab".."c"'),
        (f"start: /{'(' * 5000}a{')' * 5000}/", "too many groups"),
        ("start: A9\nA0: /abcd/\n" + "".join(f"A{n + 1}: A{n} A{n} A{n}\n" for n in range(9)),
         "a definition of such a length"),
    ],
)  # fmt: skip
def test_what_cannot_be_carried_over_is_named(grammar: str, what: str) -> None:
    with pytest.raises(UnsupportedGrammar) as caught:
        in_json_string(grammar)
    assert what in str(caught.value)
