"""A model hub on loopback: as much of its HTTP interface as a snapshot download asks for."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

COMMIT = "c" * 40


class TinyHub(ThreadingHTTPServer):
    """Serves one folder as the repository `hub_id`, revision main; counts what was downloaded."""

    def __init__(self, hub_id: str, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hub_id = hub_id
        self.folder = folder
        self.downloaded: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: TinyHub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        body = self._answer()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None: ...

    def _answer(self) -> bytes:
        path = self.path.partition("?")[0]
        api = f"/api/models/{self.server.hub_id}"
        files = f"/{self.server.hub_id}/resolve/{COMMIT}/"
        if path == f"{api}/revision/main":
            return self._send(json.dumps({"id": self.server.hub_id, "sha": COMMIT}).encode())
        if path == f"{api}/tree/{COMMIT}":
            return self._send(
                json.dumps([_entry(p) for p in self.server.folder.iterdir()]).encode()
            )
        if path.startswith(files):
            return self._send_file(self.server.folder / path.removeprefix(files))
        code = "RevisionNotFound" if path.startswith(api) else "RepoNotFound"
        return self._send(b"{}", status=404, headers={"X-Error-Code": code})

    def _send_file(self, path: Path) -> bytes:
        if self.command == "GET":
            self.server.downloaded.append(path.name)
        headers = {"ETag": f'"{_oid(path)}"', "X-Repo-Commit": COMMIT}
        return self._send(path.read_bytes(), headers=headers)

    def _send(
        self, body: bytes, *, status: int = 200, headers: dict[str, str] | None = None
    ) -> bytes:
        self.send_response(status)
        for name, value in ((headers or {}) | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        return body


def _entry(path: Path) -> dict[str, object]:
    return {"type": "file", "path": path.name, "size": path.stat().st_size, "oid": _oid(path)}


def _oid(path: Path) -> str:
    return hashlib.sha1(path.read_bytes()).hexdigest()


@contextmanager
def serve_hub(
    hub_id: str, folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TinyHub]:
    """Point huggingface_hub at a hub that serves `folder`, and at an own cache."""
    from huggingface_hub import constants

    hub = TinyHub(hub_id, folder)
    thread = Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    try:
        yield hub
    finally:
        hub.shutdown()
        thread.join()
        hub.server_close()
