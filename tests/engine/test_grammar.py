"""A sequence's place in its grammar, over the tiny tokenizer."""

import json
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from tokenizers import decoders, models, normalizers, trainers

from antiphon.engine.errors import InvalidGrammar
from antiphon.engine.grammar import GrammarCompiler, GrammarState, SequenceGrammar
from antiphon.engine.grammar_masks import GrammarMasks
from antiphon.models.tokenizer import Tokenizer
from tests.grammars import WEATHER, compiler_of
from tests.tiny import CORPUS, train_tokenizer

STOP = 2  # <|im_end|>


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_tokenizer(tmp_path_factory.mktemp("tiny") / "tokenizer")


@pytest.fixture(scope="module")
def prefixing_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tokenizer of a Llama 2: a space before every text, and bytes where characters lack."""
    backend = tokenizers.Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    backend.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    fallbacks = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=600, show_progress=False, special_tokens=["<unk>", "<|im_end|>", *fallbacks]
    )
    backend.train_from_iterator(CORPUS, trainer)
    # The trainer makes special tokens of the bytes; in real vocabularies they are ordinary ones.
    description = json.loads(backend.to_str())
    description["added_tokens"] = description["added_tokens"][:2]
    folder = tmp_path_factory.mktemp("prefixing")
    (folder / "tokenizer.json").write_text(json.dumps(description), encoding="utf-8")
    return folder


def allowed(grammar: SequenceGrammar) -> list[int]:
    bits: list[int] = np.flatnonzero(np.unpackbits(grammar.mask, bitorder="little")).tolist()
    return bits


def write(grammar: SequenceGrammar, tokenizer: Tokenizer, text: str) -> None:
    """Each token is one that the mask allows."""
    for token_id in tokenizer.encode(text):
        assert token_id in allowed(grammar), tokenizer.token_bytes(token_id)
        grammar.advance([token_id])
        if grammar.state is GrammarState.OPEN:
            grammar.compute_mask()


def test_only_tokens_that_the_grammar_leads_to_are_allowed(
    compiler: GrammarCompiler, tokenizer: Tokenizer
) -> None:
    grammar = compiler.compile('start: "cat" | "dog"')
    texts = {tokenizer.token_bytes(token_id) for token_id in allowed(grammar)}
    assert {b"c", b"d"} <= texts
    assert all(b"cat".startswith(text) or b"dog".startswith(text) for text in texts)


def test_a_text_that_can_only_end_is_complete(
    compiler: GrammarCompiler, tokenizer: Tokenizer
) -> None:
    grammar = compiler.compile(WEATHER)
    states = []
    for text in ('{"city":"Oslo","days":3,"unit":true', "}"):
        write(grammar, tokenizer, text)
        states.append(grammar.state)
    assert states == [GrammarState.OPEN, GrammarState.COMPLETE]


def test_stop_tokens_are_allowed_exactly_where_the_text_may_end(
    compiler: GrammarCompiler, tokenizer: Tokenizer
) -> None:
    grammar = compiler.compile("start: /a+b+/", stop_token_ids=(STOP,))
    assert STOP not in allowed(grammar)
    write(grammar, tokenizer, "aa")
    assert STOP not in allowed(grammar)
    write(grammar, tokenizer, "b")
    assert STOP in allowed(grammar)


def test_without_a_stop_token_a_text_that_need_not_go_on_still_may(
    compiler: GrammarCompiler, tokenizer: Tokenizer
) -> None:
    grammar = compiler.compile("start: /a+/")
    write(grammar, tokenizer, "aa")
    assert grammar.state is GrammarState.OPEN
    assert not set(allowed(grammar)) & tokenizer.special_token_ids


@pytest.mark.parametrize("source", ['start: ""', "start: /x{0}/"])
def test_a_grammar_of_nothing_is_complete_at_once(compiler: GrammarCompiler, source: str) -> None:
    assert compiler.compile(source).state is GrammarState.COMPLETE
    with_stop = compiler.compile(source, stop_token_ids=(STOP,))
    assert with_stop.state is GrammarState.COMPLETE or allowed(with_stop) == [STOP]


def test_special_tokens_are_allowed_only_where_the_grammar_names_them(
    compiler: GrammarCompiler, tokenizer: Tokenizer
) -> None:
    anything = compiler.compile(r"start: /(.|\n)+/")
    assert not set(allowed(anything)) & tokenizer.special_token_ids
    assert allowed(compiler.compile("start: <|im_end|>")) == [STOP]
    assert allowed(compiler.compile("start: <[2]>")) == [STOP]


def test_a_forced_text_that_looks_like_a_special_token_is_spelled_out(
    compiler: GrammarCompiler, tokenizer: Tokenizer
) -> None:
    grammar = compiler.compile('start: "<|im_end|>"')
    written = b""
    while grammar.state is GrammarState.OPEN:
        token_id = allowed(grammar)[0]
        assert token_id not in tokenizer.special_token_ids
        written += tokenizer.token_bytes(token_id)
        grammar.advance([token_id])
        grammar.compute_mask()
    assert written == b"<|im_end|>"


def test_characters_of_several_tokens_can_be_written(
    compiler: GrammarCompiler, tokenizer: Tokenizer
) -> None:
    grammar = compiler.compile('start: "Ægir 👋🏽" | "日本"')
    write(grammar, tokenizer, "日本")
    assert grammar.state is GrammarState.COMPLETE


@pytest.mark.parametrize(
    "wanted", ["two words", " a space before", "<|im_end|>", "<think>\n", "Ægir: øya", "日本 👋🏽"]
)
def test_forced_texts_come_out_letter_by_letter_with_a_tokenizer_that_adds_a_space(
    prefixing_folder: Path, wanted: str
) -> None:
    tokenizer = Tokenizer.from_folder(prefixing_folder)
    grammar = compiler_of(prefixing_folder).compile(
        f"start: {json.dumps(wanted, ensure_ascii=False)}"
    )
    written = b""
    while grammar.state is GrammarState.OPEN:
        token_id = allowed(grammar)[0]
        written += tokenizer.token_bytes(token_id)
        grammar.advance([token_id])
        grammar.compute_mask()
    assert grammar.state is GrammarState.COMPLETE, grammar.failure
    assert written.decode() == wanted


def test_a_token_longer_than_llguidance_takes_is_left_out(tmp_path: Path) -> None:
    folder = train_tokenizer(tmp_path)
    backend = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    backend.add_tokens(["x" * 300])
    backend.save(str(folder / "tokenizer.json"))
    grammar = compiler_of(folder).compile("start: /x{300,}/")
    assert allowed(grammar)
    assert Tokenizer.from_folder(folder).vocab_size - 1 not in allowed(grammar)


def test_rolling_back_gives_the_masks_that_were(
    compiler: GrammarCompiler, tokenizer: Tokenizer
) -> None:
    grammar = compiler.compile(WEATHER, stop_token_ids=(STOP,))
    token_ids = tokenizer.encode('{"city":"Oslo","days":3,"unit":true}')
    masks = []
    for token_id in token_ids:
        masks.append(allowed(grammar))
        grammar.advance([token_id])
        grammar.compute_mask()
    for expected in reversed(masks):
        grammar.rollback(1)
        grammar.compute_mask()
        assert allowed(grammar) == expected


def test_a_token_that_is_not_allowed_fails_the_sequence_with_a_reason(
    compiler: GrammarCompiler, tokenizer: Tokenizer
) -> None:
    grammar = compiler.compile('start: "cat"')
    grammar.advance(tokenizer.encode("z"))
    assert grammar.state is GrammarState.FAILED
    assert grammar.failure
    grammar.compute_mask()
    assert grammar.state is GrammarState.FAILED


def test_masks_computed_together_equal_those_computed_alone(
    compiler: GrammarCompiler, tokenizer: Tokenizer
) -> None:
    sources = [WEATHER, 'start: "cat" | "dog"', "start: /a+/", r"start: /(.|\n)+/"]
    alone = [compiler.compile(source, (STOP,)) for source in sources]
    together = [compiler.compile(source, (STOP,)) for source in sources]
    masks = GrammarMasks()
    for text in ('{"', "c", "a", "你"):
        for grammars in (alone, together):
            for grammar in grammars:
                grammar.advance(tokenizer.encode(text)[:1])
        for grammar in alone:
            grammar.compute_mask()
        masks.prepare(together)
        assert [g.mask.tolist() for g in together] == [g.mask.tolist() for g in alone]
        assert [g.state for g in together] == [g.state for g in alone]


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("", "Empty grammar"),
        ("start: missing", "missing"),
        ("start: <|no_such_token|>", "unknown special token"),
        ('{"grammars": []}', "empty grammars"),
        ('{"grammars": [{"json_schema": {"type": "integer", "minimum": 2, "maximum": 1}}]}', "min"),
        ('{"grammars": [{"json_schema": {"$ref": "#"}}]}', "No token of the model's leads on"),
        ('{"grammars": [{"json_schema": {"$ref": "http://localhost/x"}}]}', "localhost"),
        ('{"grammars": [{"json_schema": ' + "[" * 100_000, "recursion"),
        ("start: " + '"x" ' * 200_000, "characters"),
        ('start: "\ud800"', "."),
        ('start: "a\x00"', "."),
    ],
)
def test_a_grammar_that_cannot_be_followed_is_refused_with_a_reason(
    compiler: GrammarCompiler, source: str, complaint: str
) -> None:
    with pytest.raises(InvalidGrammar, match=complaint) as caught:
        compiler.compile(source)
    assert len(str(caught.value)) < 600
