"""Lists of items, a page at a time."""

from collections.abc import Sequence

from antiphon.server.protocol.errors import InvalidParameter
from antiphon.server.protocol.lists import ItemList
from antiphon.server.protocol.queries import PageParams
from antiphon.server.store.errors import ItemNotFound
from antiphon.server.store.records import Item, PageQuery, page_of


def item_page(items: Sequence[Item], asked: PageParams) -> ItemList:
    """Raises InvalidParameter for a cursor that is none of the items."""
    query = PageQuery(asked.limit, asked.order, asked.after, asked.before)
    try:
        page = page_of(items, query)
    except ItemNotFound as error:
        param = "after" if error.item_id == asked.after else "before"
        raise InvalidParameter(param, f"'{param}': there is no item {error.item_id!r}.") from None
    return ItemList(
        data=page.items,
        first_id=page.items[0]["id"] if page.items else None,
        last_id=page.items[-1]["id"] if page.items else None,
        has_more=page.has_more,
    )
