"""The pages are served as what they are, and nothing beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from signaling.pages import Pages, add_security_headers

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    (tmp_path / "secret.txt").write_text("secret")
    folder = tmp_path / "web"
    (folder / "lib").mkdir(parents=True)
    (folder / "network").mkdir()
    (folder / ".git").mkdir()
    for name, text in {
        "index.html": "<!doctype html>",
        "network/index.html": "<!doctype html>",
        "lib/room.js": "export const room = 1;",
        "lib/notes.md": "secret",
        ".env": "secret",
        ".git/config.txt": "secret",
        "page.css": "body {}",
    }.items():
        (folder / name).write_text(text)
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "out").symlink_to(tmp_path)
    app = web.Application()
    app.router.add_get("/{page:.*}", Pages(folder).serve)
    app.on_response_prepare.append(add_security_headers)
    async with TestClient(TestServer(app)) as started:
        yield started


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/?room=demo&name=ana", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/network", "text/html; charset=utf-8"),
        ("/network/", "text/html; charset=utf-8"),
        ("/lib/room.js", "text/javascript; charset=utf-8"),
        ("/page.css", "text/css; charset=utf-8"),
    ],
)
async def test_a_page_has_the_type_that_browsers_want(client: Client, path: str, content_type: str) -> None:
    response = await client.get(path)
    assert response.status == 200
    assert response.headers["Content-Type"] == content_type
    assert response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/lib",
        "/lib/",
        "/lib/room.js/",
        "/lib/notes.md",
        "/.env",
        "/.git/config.txt",
        "/link.txt",
        "/out/secret.txt",
        "/../secret.txt",
        "/lib/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/lib/..%5c..%5csecret.txt",
        "/etc/passwd",
        "/index.html%00.js",
        "/web/index.html",
    ],
)
async def test_what_is_no_page_is_not_found(client: Client, path: str) -> None:
    response = await client.get(URL(path, encoded=True))
    assert response.status == 404
    assert "secret" not in await response.text()


@pytest.mark.parametrize("path", ["/", "/nowhere"])
async def test_every_answer_has_the_security_headers(client: Client, path: str) -> None:
    headers = (await client.get(path)).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "camera=(self)" in headers["Permissions-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


async def test_a_page_that_has_not_changed_is_not_sent_again(client: Client) -> None:
    etag = (await client.get("/lib/room.js")).headers["ETag"]
    assert (await client.get("/lib/room.js", headers={"If-None-Match": etag})).status == 304


async def test_pages_are_only_read(client: Client) -> None:
    assert (await client.post("/index.html", data=b"x")).status == 405


async def test_without_a_folder_there_are_no_pages() -> None:
    app = web.Application()
    app.router.add_get("/{page:.*}", Pages(None).serve)
    async with TestClient(TestServer(app)) as client:
        assert (await client.get("/")).status == 404
