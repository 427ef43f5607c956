"""An item of a request, and where it stands in it."""

from dataclasses import dataclass

from antiphon.server.protocol.input_items import ItemParam


@dataclass(frozen=True, slots=True)
class PlacedItem:
    """param: the name that errors call the item by."""

    param: str
    item: ItemParam

    def param_of(self, key: str) -> str:
        """The name of something in it. What was said before has no name of its own."""
        return f"{self.param}.{key}" if self.param.endswith("]") else self.param
