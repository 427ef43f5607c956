"""Fetching what a client's URL names, and all that is not fetched."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Sequence

import pytest

from antiphon.server.files.errors import FetchRefused
from antiphon.server.files.remote_fetch import FetchConfig, FetchedFile, RemoteFetch
from tests.server.files.file_host import FileHost, file_host, http_answer, redirect_to

LENIENT = FetchConfig(is_allowed=True, allows_private=True)


@pytest.fixture
async def host() -> AsyncIterator[FileHost]:
    async with file_host() as running:
        yield running


@pytest.fixture
def fetch(host: FileHost) -> RemoteFetch:
    return RemoteFetch(LENIENT, host.resolve)


async def test_a_file_comes_with_what_its_host_calls_it(host: FileHost, fetch: RemoteFetch) -> None:
    host.answers["/a?b=1"] = http_answer(b"Hello", "Content-Type: Text/Plain; charset=utf-8")
    assert await fetch.get(host.url("/a?b=1")) == FetchedFile(b"Hello", "text/plain")
    host.answers["/b"] = http_answer(b"Hello")
    assert await fetch.get(host.url("/b")) == FetchedFile(b"Hello", None)


async def test_host_is_asked_by_its_name_and_for_the_file_as_it_is(
    host: FileHost, fetch: RemoteFetch
) -> None:
    host.answers["/"] = http_answer(b"Hello", "Set-Cookie: a=b")
    for _ in range(2):
        await fetch.get(host.url("/#part"))
    for request in host.requests:
        assert request.startswith("GET / HTTP/1.1\r\n")
        assert f"host: files.test:{host.port}\r\n" in request.lower()
        assert "accept-encoding: identity\r\n" in request.lower()
        assert "cookie" not in request.lower()


async def test_name_is_resolved_once_so_that_a_second_answer_changes_nothing(
    host: FileHost, fetch: RemoteFetch
) -> None:
    host.answers["/"] = http_answer(b"Hello")
    await fetch.get(host.url("/", "rebinding.test"))
    assert host.resolved == ["rebinding.test"]


async def test_tls_asks_for_the_name_and_not_for_the_address() -> None:
    greetings: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greetings.append(await reader.read(4096))
        writer.close()

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(FetchRefused, match=r"secret\.test could not be reached"):
            await RemoteFetch(LENIENT, resolve).get(f"https://secret.test:{port}/")
    assert b"secret.test" in greetings[0]


async def test_another_address_is_tried_where_one_cannot_be_reached(host: FileHost) -> None:
    async def resolve(name: str, port: int) -> Sequence[str]:
        return ["127.255.255.255", "127.0.0.1"]

    host.answers["/"] = http_answer(b"Hello")
    fetched = await RemoteFetch(LENIENT, resolve).get(host.url("/"))
    assert fetched.content == b"Hello"


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["169.254.169.254"], ["93.184.216.34", "10.0.0.1"], ["::ffff:10.0.0.1"]],
)
async def test_name_that_leads_into_a_private_network_is_refused_unasked(
    addresses: list[str], host: FileHost
) -> None:
    async def resolve(name: str, port: int) -> Sequence[str]:
        return addresses

    with pytest.raises(FetchRefused, match=r"files\.test is not on the public internet"):
        await RemoteFetch(FetchConfig(is_allowed=True), resolve).get(host.url("/"))
    assert host.requests == []


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]", "2130706433", "0x7f.1", "localhost"])
async def test_address_of_this_machine_is_refused_however_it_is_written(
    address: str, host: FileHost
) -> None:
    with pytest.raises(FetchRefused, match="public internet"):
        await RemoteFetch(FetchConfig(is_allowed=True)).get(host.url("/", address))
    assert host.requests == []


async def test_redirects_are_followed_and_each_is_checked(host: FileHost) -> None:
    async def resolve(name: str, port: int) -> Sequence[str]:
        host.resolved.append(name)
        return ["127.0.0.1"] if name == "files.test" else []

    fetch = RemoteFetch(LENIENT, resolve)
    host.answers["/a"] = redirect_to("/b")
    host.answers["/b"] = redirect_to(host.url("/c"))
    host.answers["/c"] = http_answer(b"Hello")
    assert (await fetch.get(host.url("/a"))).content == b"Hello"
    host.answers["/d"] = redirect_to("http://elsewhere.test/")
    with pytest.raises(FetchRefused, match=r"no host elsewhere\.test"):
        await fetch.get(host.url("/d"))
    assert host.resolved == ["files.test"] * 4 + ["elsewhere.test"]


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("file:///etc/passwd", "http and https"),
        ("http://me:secret@files.test/", "password"),
        ("http://files.test:99999/", "no URL"),
    ],
)
async def test_redirect_to_what_is_never_fetched_is_refused(
    location: str, reason: str, host: FileHost, fetch: RemoteFetch
) -> None:
    host.answers["/"] = redirect_to(location)
    with pytest.raises(FetchRefused, match=reason):
        await fetch.get(host.url("/"))


async def test_redirects_without_an_end_are_refused(host: FileHost, fetch: RemoteFetch) -> None:
    host.answers["/"] = redirect_to("/")
    with pytest.raises(FetchRefused, match="more than 3 times"):
        await fetch.get(host.url("/"))
    assert len(host.requests) == 4


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://files.test/a", "http and https"),
        ("file:///etc/passwd", "http and https"),
        ("data:text/plain;base64,aGk=", "http and https"),
        ("/a", "http and https"),
        ("http:///a", "http and https"),
        ("http://me:secret@files.test/", "password"),
        ("http://me@files.test/", "password"),
        ("http://[::1/", "no URL"),
        ("http://files.test:port/", "no URL"),
        ("http://files.test:65536/", "no URL"),
        ("http://files.test/\ud800", "no URL"),
        ("", "http and https"),
    ],
)
async def test_url_that_is_never_fetched_is_refused(
    url: str, reason: str, host: FileHost, fetch: RemoteFetch
) -> None:
    with pytest.raises(FetchRefused, match=reason):
        await fetch.get(url)
    assert host.resolved == []


@pytest.mark.parametrize("name", ["nowhere.test", "xn--", "a..b"])
async def test_host_that_does_not_exist_is_refused(name: str) -> None:
    async def resolve(name: str, port: int) -> Sequence[str]:
        raise OSError("Name or service not known")

    with pytest.raises(FetchRefused, match=f"no host {re.escape(name)}"):
        await RemoteFetch(LENIENT, resolve).get(f"http://{name}/")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (http_answer(b"", status="404 Not Found"), "status 404"),
        (http_answer(b"", status="500 Oh"), "status 500"),
        (http_answer(b"", status="302 Found"), "status 302"),
        (http_answer(b"x", "Content-Encoding: gzip"), "encoding 'gzip'"),
        (http_answer(b"x" * 101), "larger than 100 bytes"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 101, "larger than 100 bytes"),
        (http_answer(b"x")[:-1], "could not be read"),
        (b"SSH-2.0-x\r\n\r\n", "could not be read"),
        (b"", "could not be read"),
    ],
)
async def test_answer_that_is_no_usable_file_is_refused(
    answer: bytes, reason: str, host: FileHost
) -> None:
    config = FetchConfig(is_allowed=True, allows_private=True, max_bytes=100)
    host.answers["/"] = answer
    with pytest.raises(FetchRefused, match=reason):
        await RemoteFetch(config, host.resolve).get(host.url("/"))


async def test_file_of_exactly_the_largest_size_is_taken(host: FileHost) -> None:
    config = FetchConfig(is_allowed=True, allows_private=True, max_bytes=100)
    host.answers["/"] = http_answer(b"x" * 100)
    fetched = await RemoteFetch(config, host.resolve).get(host.url("/"))
    assert len(fetched.content) == 100


async def test_host_that_never_ends_its_answer_is_left_in_time(host: FileHost) -> None:
    config = FetchConfig(is_allowed=True, allows_private=True, timeout_seconds=0.05)
    host.answers["/endless"] = b"HTTP/1.1 200 OK\r\n\r\nx"
    with pytest.raises(FetchRefused, match=r"longer than 0\.05 seconds"):
        await RemoteFetch(config, host.resolve).get(host.url("/endless"))


async def test_proxies_of_the_environment_are_not_used(
    host: FileHost, fetch: RemoteFetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    host.answers["/"] = http_answer(b"Hello")
    assert (await fetch.get(host.url("/"))).content == b"Hello"


async def test_fetch_that_is_given_up_leaves_its_host(host: FileHost, fetch: RemoteFetch) -> None:
    host.answers["/endless"] = b"HTTP/1.1 200 OK\r\n\r\nx"
    task = asyncio.create_task(fetch.get(host.url("/endless")))
    while not host.requests:
        await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
