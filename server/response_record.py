"""A response as it is kept: what was asked, and what became of it."""

from dataclasses import dataclass
from typing import Self

from antiphon.server.admission import Admission
from antiphon.server.ids import IdSource
from antiphon.server.kept_items import kept_items
from antiphon.server.protocol.response import ResponseResource
from antiphon.server.store.records import Item, RecordedEvent, StoredResponse
from antiphon.server.store.store import Store


@dataclass(frozen=True, slots=True)
class ResponseRecord:
    """input_items: what the request itself brought, each with the id it is known by from now on."""

    admission: Admission
    input_items: tuple[Item, ...]

    @classmethod
    def of(cls, admission: Admission, ids: IdSource) -> Self:
        return cls(admission, kept_items(admission.history.own, ids))

    @property
    def is_stored(self) -> bool:
        return self.admission.body.is_stored

    def items(self, response: ResponseResource) -> tuple[Item, ...]:
        """What a turn adds to the conversation."""
        return (*self.input_items, *_output_items(response))

    def stored(self, response: ResponseResource) -> StoredResponse:
        body = self.admission.body
        return StoredResponse(
            id=response.id,
            owner=self.admission.caller.owner,
            status=response.status,
            created_at=response.created_at,
            previous_response_id=body.previous_response_id,
            conversation_id=body.conversation_id,
            resource=response.model_dump(mode="json", exclude={"output"}),
            input_items=self.input_items,
            output_items=_output_items(response),
        )

    async def keep(
        self, response: ResponseResource, events: list[RecordedEvent], store: Store
    ) -> None:
        """All that is to be kept of a response that has ended. Raises StoreError."""
        conversation_id = self.admission.body.conversation_id
        has_ended_well = response.status in ("completed", "incomplete")
        appended = self.items(response) if conversation_id and has_ended_well else ()
        if self.is_stored:
            await store.save(self.stored(response), events, appended=appended)
        elif conversation_id is not None and appended:
            owner = self.admission.caller.owner
            await store.add_conversation_items(owner, conversation_id, appended)


def _output_items(response: ResponseResource) -> tuple[Item, ...]:
    return tuple(item.model_dump(mode="json") for item in response.output)
