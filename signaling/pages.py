"""The files of the web page: a closed list, read once, so no path in a request can lead anywhere else."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

INDEX = "index.html"

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/vnd.microsoft.icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".mp3": "audio/mpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".wav": "audio/wav",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
"""All that is served, and as what; the tables of operating systems disagree about modules."""

SECURITY_HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data: blob:",
            "media-src 'self' blob:",
            "font-src 'self'",
            "manifest-src 'self'",
            # Safari before 15.4 does not count WebSockets of the same host as 'self'.
            "connect-src 'self' ws: wss:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'self'",
            "require-trusted-types-for 'script'",
        )
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self)",
    # Room names stand in the address of an invitation.
    "Referrer-Policy": "no-referrer",
    # Not which versions of what: that is a shopping list.
    "Server": "peerlane",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}


def web_folder() -> Path | None:
    """Where the pages are: beside the packages in a checkout, inside this one when installed."""
    here = Path(__file__).resolve().parent
    for folder in (here / "web", here.parent / "web"):
        if (folder / INDEX).is_file():
            return folder
    return None


class Pages:
    """The files under one folder, each at its own path; a folder's ``index.html`` at the folder's, with a
    slash behind it or without."""

    def __init__(self, folder: Path | None) -> None:
        self._files = _listed(folder) if folder is not None else {}

    async def serve(self, request: web.Request) -> web.StreamResponse:
        file = self._files.get(request.path)
        if file is None:
            return web.Response(status=404, text="There is no such page here.\n")
        headers = {
            "Content-Type": CONTENT_TYPES[file.suffix],
            # The browser asks each time and is told "not modified" by the ETag: after an update nobody
            # runs a mix of old and new modules.
            "Cache-Control": "no-cache",
        }
        return web.FileResponse(file, headers=headers)


async def add_security_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """A signal handler for ``on_response_prepare``: errors and refusals carry them too."""
    response.headers.update(SECURITY_HEADERS)


def _listed(folder: Path) -> dict[str, Path]:
    root = folder.resolve()
    files: dict[str, Path] = {}
    for file in sorted(root.rglob("*")):
        path = file.relative_to(root)
        if file.suffix not in CONTENT_TYPES or any(part.startswith(".") for part in path.parts):
            continue
        # A link out of the folder is no page.
        if not file.is_file() or not file.resolve().is_relative_to(root):
            continue
        files[f"/{path.as_posix()}"] = file
        if file.name == INDEX:
            above = "" if path.parent == Path() else f"/{path.parent.as_posix()}"
            files[f"{above}/"] = files[above or "/"] = file
    return files
