"""An item of a request, and where it stands in it."""

from dataclasses import dataclass

from antiphon.server.protocol.input_items import ItemParam


@dataclass(frozen=True, slots=True)
class PlacedItem:
    """param: the name that errors call the item by."""

    param: str
    item: ItemParam
