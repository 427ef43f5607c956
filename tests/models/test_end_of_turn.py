from pathlib import Path

import pytest

from antiphon.models.chat_template import ChatTemplate
from antiphon.models.end_of_turn import end_of_turn_id
from antiphon.models.tokenizer import Tokenizer
from tests.tiny import CHATML_TEMPLATE, train_tokenizer


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (CHATML_TEMPLATE, 2),
        ("{% for m in messages %}{{ m.content | trim }} <|endoftext|>{% endfor %}", 0),
        ("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}", None),
        ("{% for m in messages %}<|im_start|>{{ m.content | upper }}{% endfor %}", None),
        ("{{ raise_exception('no') }}", None),
        (
            "{% for m in messages %}{{ m.content }}"
            "{{ '<|im_end|>' if loop.last else '<|endoftext|>' }}{% endfor %}",
            2,
        ),
        (
            "{% for m in messages %}{{ m.reasoning_content }}<|im_end|>"
            "{{ m.content }}<|im_end|>{% endfor %}",
            None,
        ),
    ],
    ids=[
        "chatml",
        "after a space",
        "plain text",
        "unrecognisable",
        "refused",
        "another token in the middle",
        "also behind the thought",
    ],
)
def test_the_end_of_a_turn_is_found_behind_the_last_answer(
    template: str, expected: int | None, tmp_path: Path
) -> None:
    tokenizer = Tokenizer.from_folder(train_tokenizer(tmp_path))
    assert end_of_turn_id(ChatTemplate(template, {}), tokenizer) == expected
