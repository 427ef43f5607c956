"""What the store needs from time to time: leases that last, and no more than its bound."""

import asyncio
import logging
from collections.abc import Callable

from antiphon.server.delivery.background import BackgroundResponses
from antiphon.server.store.errors import StoreError
from antiphon.server.store.store import Store

logger = logging.getLogger(__name__)

LEASE_INTERVAL_SECONDS = 5.0  # a third of how long a lease lasts
SWEEP_EVERY = 720  # of these intervals: an hour
RESTARTED = {
    "code": "server_restarted",
    "message": "The server ended before the response was finished.",
}


async def maintain(store: Callable[[], Store], background: BackgroundResponses) -> None:
    """Runs until it is cancelled; what fails now is tried again a little later."""
    rounds = 0
    while True:
        try:
            await keep_leases(store(), background)
            if rounds % SWEEP_EVERY == SWEEP_EVERY - 1:
                await store().sweep()
        except StoreError as error:
            logger.warning("The store could not be looked after: %s", error)
        rounds += 1
        await asyncio.sleep(LEASE_INTERVAL_SECONDS)


async def keep_leases(store: Store, background: BackgroundResponses) -> None:
    """Our responses live; those of servers that died have failed."""
    running = background.response_ids
    if running:
        await store.renew(running)
    for response_id in await store.fail_abandoned(RESTARTED):
        logger.warning("The response %s was never finished: its server ended.", response_id)
