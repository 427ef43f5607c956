"""Which tokens belong to which text."""

import pytest

from antiphon.engine.outputs import SampledToken, TokenLogprobs
from antiphon.models.detokenizer import Detokenizer
from antiphon.models.language_side import LanguageSide
from antiphon.server.output.token_spans import LOWEST_LOGPROB, TokenSpans
from antiphon.server.protocol.logprobs import LogProb


def sampled(token_id: int) -> SampledToken:
    return SampledToken(token_id, TokenLogprobs(-token_id / 8, ((token_id, -0.5), (7, -2.0))))


class Output:
    """Decodes token by token, as a response does."""

    def __init__(self, language_side: LanguageSide) -> None:
        self.tokenizer = language_side.tokenizer
        self.spans = TokenSpans(self.tokenizer)
        self.text = ""
        self._detokenizer = Detokenizer(self.tokenizer, [])

    def add(self, *token_ids: int) -> None:
        for token_id in token_ids:
            text = self._detokenizer.feed([token_id])
            self.spans.add(sampled(token_id), text)
            self.text += text

    def finish(self) -> None:
        text = self._detokenizer.finish()
        self.spans.show(text)
        self.text += text


@pytest.fixture
def output(language_side: LanguageSide) -> Output:
    return Output(language_side)


def token_ids(entries: tuple[LogProb, ...]) -> list[int]:
    return [round(-entry.logprob * 8) for entry in entries]


def test_every_token_of_a_text_is_handed_out_once(output: Output) -> None:
    ids = output.tokenizer.encode("Hello 👋🏽 world, Zażółć!")
    output.add(*ids)
    handed_out: list[int] = []
    for offset in range(len(output.text)):
        handed_out += token_ids(output.spans.take(offset, 1))
    assert handed_out == ids


def test_tokens_of_a_part_are_those_whose_characters_are_in_it(output: Output) -> None:
    hidden, shown = (output.tokenizer.encode(text) for text in ("<think>a b</think>", "c d"))
    output.add(*hidden, *shown)
    offset = output.text.index("c d")
    assert token_ids(output.spans.take(offset, 3)) == shown
    assert output.spans.take(offset, 3) == ()


def test_a_piece_of_a_character_waits_for_the_character(output: Output) -> None:
    ids = output.tokenizer.encode("ø")
    assert len(ids) > 1 or output.tokenizer.token_bytes(ids[0]) == "ø".encode()
    first, *rest = [output.tokenizer.encode("a")[0], *byte_tokens(output, "€")]
    output.add(first, rest[0])
    assert token_ids(output.spans.take(0, 5)) == [first]
    output.add(*rest[1:])
    assert token_ids(output.spans.take(1, 1)) == rest


def byte_tokens(output: Output, character: str) -> list[int]:
    """One token for each byte: all 256 are in the vocabulary."""
    vocabulary = range(output.tokenizer.vocab_size)
    single = {output.tokenizer.token_bytes(i): i for i in reversed(vocabulary)}
    return [single[bytes([byte])] for byte in character.encode()]


def test_a_character_that_is_never_completed_belongs_to_its_replacement(output: Output) -> None:
    ids = byte_tokens(output, "€")[:2]
    output.add(*ids)
    output.finish()
    assert output.text == "\ufffd"
    assert token_ids(output.spans.take(0, 1)) == ids


def test_special_tokens_that_show_nothing_belong_to_no_text(output: Output) -> None:
    ids = output.tokenizer.encode("a<|im_start|>b")
    output.add(*ids)
    assert token_ids(output.spans.take(0, 2)) == [ids[0], ids[2]]


def test_entry_shows_text_bytes_and_the_likeliest(output: Output) -> None:
    (token_id,) = byte_tokens(output, "€")[:1]
    spans = TokenSpans(output.tokenizer)
    spans.add(SampledToken(token_id, TokenLogprobs(float("-inf"), ((7, -2.0),))), "\ufffd")
    (entry,) = spans.take(0, 1)
    assert (entry.token, entry.bytes, entry.logprob) == ("\ufffd", (0xE2,), LOWEST_LOGPROB)
    assert entry.top_logprobs[0].logprob == -2.0
    assert bytes(entry.top_logprobs[0].bytes) == output.tokenizer.token_bytes(7)
