"""Query strings: read leniently, as all their values are text."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class QueryModel(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class PageParams(QueryModel):
    """Which items of a list."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    order: Literal["asc", "desc"] = "desc"
    after: str | None = None
    before: str | None = None


class RetrieveParams(QueryModel):
    """How a stored response is read.

    starting_after  the number of the last event that the client has seen.
    """

    stream: bool = False
    starting_after: Annotated[int, Field(ge=0)] | None = None
