"""Which addresses a URL of a client may lead to, and how names become addresses."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv6Address, IPv6Network, ip_address

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

# Everything else holds older ways to write an IPv4 address, or is not routed at all.
GLOBAL_UNICAST = IPv6Network("2000::/3")


async def system_resolve(host: str, port: int) -> list[str]:
    """Every address of a host, the best first. Raises OSError or ValueError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_public(address: str) -> bool:
    """Whether it belongs to the internet at large: to nobody's own network and to no machine here.

    Raises ValueError for what is no address.
    """
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address) and (
        parsed not in GLOBAL_UNICAST or parsed.sixtofour is not None
    ):
        return False
    return parsed.is_global and not parsed.is_multicast
