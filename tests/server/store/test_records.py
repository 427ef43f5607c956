"""Pages of items."""

import pytest

from antiphon.server.store.errors import ItemNotFound
from antiphon.server.store.records import Item, PageQuery, page_of
from tests.server.store.examples import message

ITEMS = [message(name) for name in "abcde"]


def names(items: tuple[Item, ...]) -> str:
    return "".join(item["id"] for item in items)


@pytest.mark.parametrize(
    ("query", "expected", "has_more"),
    [
        (PageQuery(), "edcba", False),
        (PageQuery(order="asc"), "abcde", False),
        (PageQuery(limit=2), "ed", True),
        (PageQuery(limit=2, after="d"), "cb", True),
        (PageQuery(limit=2, after="c"), "ba", False),
        (PageQuery(limit=2, after="a"), "", False),
        (PageQuery(limit=2, order="asc", after="b"), "cd", True),
        (PageQuery(limit=2, before="a"), "cb", True),
        (PageQuery(limit=2, order="asc", before="d"), "bc", True),
        (PageQuery(limit=2, order="asc", before="c"), "ab", False),
        (PageQuery(order="asc", before="a"), "", False),
        (PageQuery(order="asc", after="a", before="e"), "bcd", False),
        (PageQuery(limit=2, order="asc", after="a", before="e"), "bc", True),
        (PageQuery(order="asc", after="d", before="b"), "", False),
    ],
)
def test_page_holds_what_the_query_asks_for(
    query: PageQuery, expected: str, has_more: bool
) -> None:
    page = page_of(ITEMS, query)
    assert names(page.items) == expected
    assert page.has_more == has_more


@pytest.mark.parametrize("query", [PageQuery(after="x"), PageQuery(before="x")])
def test_unknown_cursor_is_an_error(query: PageQuery) -> None:
    with pytest.raises(ItemNotFound) as raised:
        page_of(ITEMS, query)
    assert raised.value.item_id == "x"


def test_reading_page_by_page_ends_though_an_id_occurs_twice() -> None:
    items = [message(name) for name in "aab"]
    seen, query = "", PageQuery(limit=1, order="asc")
    while (page := page_of(items, query)).items:
        seen += names(page.items)
        query = PageQuery(limit=1, order="asc", after=seen[-1])
    assert seen == "ab"


def test_no_items_are_an_empty_page() -> None:
    page = page_of([], PageQuery())
    assert page.items == ()
    assert not page.has_more
