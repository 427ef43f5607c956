"""docs/extensions.md, which tests check every extension of an answer against."""

from antiphon.server.extensions_page import extensions_page
from tests.schema import EXTENSIONS_FILE


def test_the_page_of_extensions_is_up_to_date() -> None:
    assert EXTENSIONS_FILE.read_text() == extensions_page(), "run: make docs"
