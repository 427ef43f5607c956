"""Fetching a URL that a client named, without becoming its way into the server's own network.

A name is resolved once, every address is checked, and the connection goes to a checked one, so
that a second answer of the name's server changes nothing. Each redirect begins anew.
"""

import asyncio
from dataclasses import dataclass

import httpx

from antiphon.server.files.errors import FetchRefused
from antiphon.server.files.remote_address import Resolve, is_public, system_resolve

MAX_REDIRECTS = 3
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class FetchConfig:
    """Whether URLs are fetched, and how much one may cost.

    allows_private   also addresses of private networks and of this machine.
    timeout_seconds  for everything together, redirects included.
    """

    is_allowed: bool = False
    allows_private: bool = False
    max_bytes: int = 32 * 1024 * 1024
    timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """`media_type` is what the host calls it, without parameters."""

    content: bytes
    media_type: str | None


class RemoteFetch:
    """Keeps no connection and no cookie from one request to the next."""

    def __init__(self, config: FetchConfig, resolve: Resolve = system_resolve) -> None:
        self._config = config
        self._resolve = resolve
        self._tls = httpx.create_ssl_context()

    async def get(self, url: str) -> FetchedFile:
        """Raises FetchRefused."""
        try:
            async with asyncio.timeout(self._config.timeout_seconds):
                return await self._follow(url)
        except TimeoutError:
            seconds = f"{self._config.timeout_seconds:g} seconds"
            raise FetchRefused(f"The URL took longer than {seconds} to fetch.") from None

    async def _follow(self, url: str) -> FetchedFile:
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._visit(_checked_url(url))
            if isinstance(answer, FetchedFile):
                return answer
            url = answer
        raise FetchRefused(f"The URL redirects more than {MAX_REDIRECTS} times.")

    async def _visit(self, url: httpx.URL) -> FetchedFile | str:
        """The file, or the URL that the host sends us on to."""
        failure: httpx.HTTPError | None = None
        for address in await self._addresses(url):
            try:
                return await self._exchange(url, address)
            except httpx.ConnectError as error:
                failure = error  # another of its addresses may be reachable
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise FetchRefused(f"{_host(url)} could not be read: {error}.") from error
        raise FetchRefused(f"{_host(url)} could not be reached: {failure}.")

    async def _addresses(self, url: httpx.URL) -> list[str]:
        host = _host(url)
        try:
            addresses = await self._resolve(host, url.port or PORTS[url.scheme])
        except (OSError, ValueError):
            addresses = ()
        if not addresses:
            raise FetchRefused(f"There is no host {host}.")
        if not self._config.allows_private and not all(map(is_public, addresses)):
            raise FetchRefused(f"{host} is not on the public internet.")
        return list(addresses)

    async def _exchange(self, url: httpx.URL, address: str) -> FetchedFile | str:
        headers = {
            "Host": url.netloc.decode("ascii"),
            "Accept-Encoding": "identity",
            "User-Agent": "antiphon",
        }
        # A client of its own: pooled connections are told apart by their address alone.
        async with (
            httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=None) as client,
            client.stream(
                "GET",
                url.copy_with(host=address),
                headers=headers,
                extensions={"sni_hostname": _host(url)},
            ) as response,
        ):
            if response.has_redirect_location:
                return str(url.join(response.headers["location"]))
            _require_usable(url, response)
            return FetchedFile(await self._body(response), _media_type(response))

    async def _body(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > self._config.max_bytes:
                raise FetchRefused(f"The file is larger than {self._config.max_bytes} bytes.")
        return bytes(body)


def _checked_url(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise FetchRefused(f"That is no URL: {error}.") from None
    if not 0 <= (parsed.port or 0) < 2**16:
        raise FetchRefused("That is no URL: its port does not exist.")
    if parsed.scheme not in PORTS or not parsed.raw_host:
        raise FetchRefused("Only http and https URLs are fetched.")
    if parsed.userinfo:
        raise FetchRefused("URLs with a user name or a password are not fetched.")
    return parsed


def _host(url: httpx.URL) -> str:
    """As it is asked for; `url.host` raises for some of what a URL may hold."""
    return url.raw_host.decode("ascii")


def _require_usable(url: httpx.URL, response: httpx.Response) -> None:
    if response.status_code != httpx.codes.OK:
        raise FetchRefused(f"{_host(url)} answered with status {response.status_code}.")
    # Asked for as it is: what is packed may be a thousand times as large once unpacked.
    encoding = response.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise FetchRefused(f"{_host(url)} sent the file in the encoding {encoding!r}.")


def _media_type(response: httpx.Response) -> str | None:
    declared: str = response.headers.get("content-type", "")
    return declared.split(";")[0].strip().lower() or None
