"""Where things stood before they were translated, so that errors speak of the request as sent."""

from collections.abc import Iterator
from contextlib import contextmanager

from antiphon.server.error_table import error_payload


class RequestPlaces:
    """Pairs of paths: in the body of a response's request, and in the chat request."""

    def __init__(self) -> None:
        self._places: dict[str, str] = {}

    def add(self, translated: str, posted: str) -> None:
        """What is below `translated` is below `posted` too, unless it has a place of its own."""
        self._places[translated] = posted

    def add_keys(self, translated: str, posted: str, **keys: str) -> None:
        """The keys of an object, by their names in the translation."""
        for key, posted_key in keys.items():
            self.add(f"{translated}.{key}", f"{posted}.{posted_key}")

    def posted(self, param: str) -> str:
        """Where the client finds it; what was not moved stays where it is."""
        place = max((place for place in self._places if _holds(place, param)), key=len, default="")
        return self._places.get(place, place) + param[len(place) :]

    @contextmanager
    def in_errors(self) -> Iterator[None]:
        """Errors that are raised inside name the field as the client wrote it."""
        try:
            yield
        except Exception as error:
            param = error_payload(error).param
            if param is not None:
                self._rename(error, param)
            raise

    def _rename(self, error: Exception, param: str) -> None:
        # Renamed and not replaced: its class says how it is answered.
        posted = self.posted(param)
        error.param = posted  # type: ignore[attr-defined]
        error.args = (str(error).replace(f"'{param}'", f"'{posted}'"), *error.args[1:])


def _holds(place: str, param: str) -> bool:
    return param.startswith(place) and param[len(place) : len(place) + 1] in ("", ".", "[")
