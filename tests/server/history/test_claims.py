"""One response at a time in a conversation; and who was told of its end may go on at once."""

import httpx
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from antiphon.models.language_side import LanguageSide
from antiphon.server.app import create_app
from antiphon.server.history.claims import ConversationClaims
from antiphon.server.protocol.errors import ConversationBusy
from tests.fake_engine import FakeEngine, Script
from tests.serving import EncodePieces, make_context


def client_of(app: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test")


@pytest.mark.parametrize("is_streamed", [False, True])
@pytest.mark.parametrize("is_stored", [False, True])
async def test_conversation_is_free_as_soon_as_an_end_is_told(
    language_side: LanguageSide, said: EncodePieces, is_streamed: bool, is_stored: bool
) -> None:
    app = create_app(make_context(FakeEngine(Script(said("Hello"))), language_side))
    statuses: list[int] = []

    async def hasty(scope: Scope, receive: Receive, send: Send) -> None:
        """Asks again while the server is still telling the end."""

        async def watched(message: Message) -> None:
            if b'"completed_at":1' in message.get("body", b""):
                statuses.append((await http.post("/v1/responses", json=body)).status_code)
            await send(message)

        await app(scope, receive, watched)

    async with client_of(app) as http, client_of(hasty) as hasty_http:
        made = (await http.post("/v1/conversations", json={})).json()
        body = {
            "input": "Hi",
            "conversation": made["id"],
            "stream": is_streamed,
            "store": is_stored,
        }
        assert (await hasty_http.post("/v1/responses", json=body)).status_code == 200
        items = (await http.get(f"/v1/conversations/{made['id']}/items")).json()["data"]
    assert statuses == [200]
    assert [item["role"] for item in items] == ["assistant", "user"] * 2


def test_claim_that_is_released_twice_leaves_the_next_one_alone() -> None:
    claims = ConversationClaims()
    first = claims.claim("", "conv")
    first.release()
    claims.claim("", "conv")
    first.release()
    with pytest.raises(ConversationBusy):
        claims.claim("", "conv")
