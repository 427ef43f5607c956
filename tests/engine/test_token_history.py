from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from antiphon.engine.sampling_params import SamplingParams
from antiphon.engine.token_history import TokenHistory

TOKENS = st.lists(st.integers(0, 6), max_size=30)


def contents(history: TokenHistory) -> dict[int, int]:
    return dict(zip(history.token_ids.tolist(), history.counts.tolist(), strict=True))


@given(prompt=TOKENS, output=TOKENS, drafts=TOKENS)
def test_counts_are_those_of_the_output_and_drafts_leave_no_trace(
    prompt: list[int], output: list[int], drafts: list[int]
) -> None:
    history = TokenHistory(prompt, SamplingParams(repetition_penalty=1.1))
    for token_id in output:
        history.append(token_id)
    expected = dict.fromkeys(prompt, 0) | Counter(output)
    assert contents(history) == expected
    for token_id in drafts:
        history.append(token_id)
    assert contents(history) == dict.fromkeys(prompt, 0) | Counter(output + drafts)
    for token_id in reversed(drafts):
        history.pop(token_id)
    assert contents(history) == expected


def test_the_prompt_counts_only_for_a_repetition_penalty() -> None:
    assert contents(TokenHistory([1, 2], SamplingParams(presence_penalty=1))) == {}
    assert contents(TokenHistory([1, 2], SamplingParams(repetition_penalty=1.2))) == {1: 0, 2: 0}
