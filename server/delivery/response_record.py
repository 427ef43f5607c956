"""A response as it is kept: what was asked, and what became of it."""

from dataclasses import dataclass

from antiphon.server.admission import Admission
from antiphon.server.protocol.response import ResponseResource
from antiphon.server.store.records import Item, RecordedEvent, StoredResponse
from antiphon.server.store.store import Store


@dataclass(frozen=True, slots=True)
class ResponseRecord:
    """What is kept of one admission, and when."""

    admission: Admission

    @property
    def is_stored(self) -> bool:
        return self.admission.body.is_stored

    def items(self, response: ResponseResource) -> tuple[Item, ...]:
        """What a turn adds to the conversation."""
        return (*self.admission.input_items, *_output_items(response))

    def stored(self, response: ResponseResource) -> StoredResponse:
        """A response whose past is not kept brings it along: it can be continued all the same."""
        admission = self.admission
        history, previous_id = admission.history, admission.body.previous_response_id
        return StoredResponse(
            id=response.id,
            owner=admission.caller.owner,
            status=response.status,
            created_at=response.created_at,
            previous_response_id=previous_id if history.is_kept else None,
            conversation_id=admission.body.conversation_id,
            resource=response.model_dump(mode="json", exclude={"output"}),
            input_items=admission.input_items
            if history.is_kept
            else (*history.earlier, *admission.input_items),
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

    async def keep_failure(self, response: ResponseResource, store: Store) -> None:
        """Of a response that could not be kept, that it failed. Raises StoreError."""
        await store.save(self.stored(response.model_copy(update={"output": ()})))


def _output_items(response: ResponseResource) -> tuple[Item, ...]:
    return tuple(item.model_dump(mode="json") for item in response.output)
