"""What is streamed is what decoding everything at once gives, for each kind of decoder."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import decoders, models, normalizers, pre_tokenizers

from antiphon.models.detokenizer import Detokenizer
from antiphon.models.special_tokens import SpecialTokens
from antiphon.models.tokenizer import Tokenizer
from tests.tiny import train_tokenizer

NOTHING_SPECIAL = SpecialTokens(named={}, extra=(), added={})
PROMPT = "Say something: "


@pytest.fixture(scope="module")
def byte_level(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return Tokenizer.from_folder(train_tokenizer(tmp_path_factory.mktemp("byte_level")))


@pytest.fixture(scope="module")
def byte_fallback() -> Tokenizer:
    """As in Llama 2: a mark for the space, and single bytes for what has no piece."""
    pieces = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "\u2581", *"abcdefgh,."]
    merges = [("\u2581", "a"), ("\u2581", "b"), ("b", "a"), ("\u2581b", "a")]
    pieces += [left + right for left, right in merges]
    vocabulary = {piece: token_id for token_id, piece in enumerate(pieces)}
    backend = tokenizers.Tokenizer(
        models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    )
    backend.normalizer = normalizers.Sequence(
        [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]
    )
    steps = [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    backend.decoder = decoders.Sequence([*steps, decoders.Strip(" ", 1, 0)])
    return Tokenizer(backend, NOTHING_SPECIAL)


@pytest.fixture(scope="module")
def metaspace() -> Tokenizer:
    pieces = ["<unk>", "\u2581", *"abcdefgh,.", "\u2581a", "\u2581b"]
    backend = tokenizers.Tokenizer(
        models.Unigram([(piece, -float(rank)) for rank, piece in enumerate(pieces)], unk_id=0)
    )
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    return Tokenizer(backend, NOTHING_SPECIAL)


@pytest.fixture(params=["byte_level", "byte_fallback", "metaspace"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Tokenizer)
    return found


def pieces_of(token_ids: list[int], cuts: list[int]) -> Iterator[list[int]]:
    ends = sorted(cut % (len(token_ids) + 1) for cut in cuts)
    for start, end in zip([0, *ends], [*ends, len(token_ids)], strict=True):
        yield token_ids[start:end]


def streamed(tokenizer: Tokenizer, prompt: list[int], output: list[int], cuts: list[int]) -> str:
    detokenizer = Detokenizer(tokenizer, prompt)
    shown = [detokenizer.feed(piece) for piece in pieces_of(output, cuts)]
    return "".join(shown) + detokenizer.finish()


def added_by(tokenizer: Tokenizer, prompt: list[int], output: list[int]) -> str:
    """What decoding everything at once adds to the prompt's own text."""
    before = tokenizer.decode(prompt)
    whole = tokenizer.decode(prompt + output)
    assert whole.startswith(before)
    return whole[len(before) :]


CUTS = st.lists(st.integers(0, 1000), max_size=12)


@given(seeds=st.lists(st.integers(0, 10_000), max_size=60), cuts=CUTS)
@settings(deadline=None)
def test_random_byte_level_ids_stream_as_they_decode_whole(
    byte_level: Tokenizer, seeds: list[int], cuts: list[int]
) -> None:
    prompt = byte_level.encode(PROMPT)
    # A few ids past the end: a model's embedding often has more rows than the tokenizer has tokens.
    output = [seed % (byte_level.vocab_size + 5) for seed in seeds]
    assert streamed(byte_level, prompt, output, cuts) == added_by(byte_level, prompt, output)


@given(text=st.text(max_size=40), cuts=CUTS)
@settings(deadline=None)
def test_any_text_streams_as_it_decodes_whole_with_byte_fallback(
    byte_fallback: Tokenizer, text: str, cuts: list[int]
) -> None:
    prompt = byte_fallback.encode("ab")
    output = byte_fallback.encode(text)
    assert streamed(byte_fallback, prompt, output, cuts) == added_by(byte_fallback, prompt, output)


@given(seeds=st.lists(st.integers(0, 10_000), max_size=60), cuts=CUTS)
@settings(deadline=None)
def test_random_ids_with_byte_fallback_stream_the_same_however_they_are_cut(
    byte_fallback: Tokenizer, seeds: list[int], cuts: list[int]
) -> None:
    prompt = byte_fallback.encode("ab")
    output = [seed % byte_fallback.vocab_size for seed in seeds]
    shown = streamed(byte_fallback, prompt, output, cuts)
    assert shown == streamed(byte_fallback, prompt, output, [])
    # Whole decoding replaces a whole run of bytes when one of them is wrong; streaming cannot know.
    whole = added_by(byte_fallback, prompt, output)
    assert shown == whole or "\ufffd" in whole


@given(seeds=st.lists(st.integers(0, 10_000), max_size=60), cuts=CUTS)
@settings(deadline=None)
def test_random_metaspace_ids_stream_as_they_decode_whole(
    metaspace: Tokenizer, seeds: list[int], cuts: list[int]
) -> None:
    prompt = metaspace.encode("a b")
    output = [seed % metaspace.vocab_size for seed in seeds]
    assert streamed(metaspace, prompt, output, cuts) == added_by(metaspace, prompt, output)


def test_the_space_before_the_first_word_is_kept(tokenizer: Tokenizer) -> None:
    prompt = tokenizer.encode("a b")
    output = tokenizer.encode("a b a")[len(prompt) :]
    assert streamed(tokenizer, prompt, output, []) == " a"


@pytest.mark.parametrize("kind", ["byte_level", "byte_fallback"])
def test_an_emoji_split_over_tokens_is_shown_once_and_whole(
    kind: str, request: pytest.FixtureRequest
) -> None:
    tokenizer: Tokenizer = request.getfixturevalue(kind)
    detokenizer = Detokenizer(tokenizer, tokenizer.encode("a"))
    output = tokenizer.encode("🦜")
    assert len(output) > 1
    shown = [detokenizer.feed([token_id]) for token_id in output if token_id]
    assert "".join(shown).lstrip(" ") == "🦜"
    assert shown[-1] == "🦜"
    assert detokenizer.finish() == ""


def test_a_character_that_is_never_completed_is_shown_at_the_end(byte_level: Tokenizer) -> None:
    detokenizer = Detokenizer(byte_level, byte_level.encode("a"))
    first_byte = byte_level.encode("🦜")[:1]
    assert detokenizer.feed(first_byte) == ""
    assert detokenizer.finish() == "\ufffd"


def test_a_character_that_the_prompt_began_is_completed(byte_level: Tokenizer) -> None:
    ids = byte_level.encode("ab🦜")
    assert streamed(byte_level, ids[:-1], ids[-1:], []) == "🦜"


def test_wrong_bytes_do_not_hold_back_what_follows(byte_level: Tokenizer) -> None:
    detokenizer = Detokenizer(byte_level, [])
    lone = byte_level.encode("🦜")[-1]
    assert detokenizer.feed([lone] * 50) == "\ufffd" * 50


def test_special_tokens_are_not_shown(byte_level: Tokenizer) -> None:
    output = byte_level.encode("Hello<|im_end|>")
    assert streamed(byte_level, [], output, []) == "Hello"


def test_special_tokens_between_two_halves_of_a_character_do_not_break_it(
    byte_level: Tokenizer,
) -> None:
    halves = byte_level.encode("🦜")
    assert streamed(byte_level, [], [*halves[:1], 2, *halves[1:]], []) == "🦜"


def test_added_tokens_that_are_not_special_are_shown(tmp_path: Path) -> None:
    folder = train_tokenizer(tmp_path)
    backend = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    backend.add_tokens(["<tool_call>"])
    backend.save(str(folder / "tokenizer.json"))
    tokenizer = Tokenizer.from_folder(folder)
    output = tokenizer.encode("<tool_call>{}")
    assert output[0] == tokenizer.token_id("<tool_call>")
    assert streamed(tokenizer, [1], output, []) == "<tool_call>{}"
