"""The web application behind a page: its files, its questions, and who is refused.

The address of a page has a random token in its path. A request is answered if it has the token, was sent to this machine by
name (a foreign name that resolves to 127.0.0.1 is refused), and does not come from a page of somebody else. The page may load
nothing from anywhere else, and no other page may show it.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aiohttp import web

from emiss.configs.errors import UserError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from aiohttp.typedefs import Handler

MAX_BYTES = 1_000_000
"""Of a question."""

NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""What this machine may be called in a request."""

TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Page:
    """What a page is made of.

    Attributes
    ----------
    folders : sequence of (package, folder)
        Whose files are served; ``index.html`` is the page itself.
    questions : mapping of name to callable
        Each is given what the page sends, and returns what it is told, as plain data. They are called one after the other, in
        a thread of their own; a `UserError` becomes a message on the page.
    """

    folders: Sequence[tuple[str, str]]
    questions: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)

    def files(self) -> dict[str, tuple[bytes, str]]:
        """Return all files with their types, by name."""
        found: dict[str, tuple[bytes, str]] = {}
        for package, folder in self.folders:
            for item in resources.files(package).joinpath(folder).iterdir():
                suffix = item.name[item.name.rfind(".") :]
                if suffix in TYPES:
                    found[item.name] = item.read_bytes(), TYPES[suffix]
        return found


def application(page: Page, token: str) -> web.Application:
    """Return the application that serves a page at ``/TOKEN/`` and nothing anywhere else."""
    files = page.files()
    pool = ThreadPoolExecutor(1, thread_name_prefix="page")

    async def file(request: web.Request) -> web.Response:
        name = request.match_info.get("name") or "index.html"
        if name not in files:
            raise web.HTTPNotFound
        content, kind = files[name]
        return web.Response(body=content, content_type=kind, charset="utf-8")

    async def question(request: web.Request) -> web.Response:
        asked = page.questions.get(request.match_info["name"])
        if asked is None:
            raise web.HTTPNotFound
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType
        try:
            data = json.loads(await request.text())
        except (ValueError, RecursionError):
            return _answer({"error": "the question is no JSON"}, 400)
        try:
            found = await asyncio.get_running_loop().run_in_executor(pool, asked, data)
        except UserError as error:
            return _answer({"error": str(error)}, 422)
        except Exception:  # noqa: BLE001 - the terminal tells of it, and the page goes on
            _LOG.exception("a question of the page could not be answered")
            return _answer({"error": "something went wrong; the terminal says more"}, 500)
        return _answer(found, 200)

    async def ended(_: web.Application) -> AsyncIterator[None]:
        yield
        pool.shutdown(wait=False, cancel_futures=True)

    made = web.Application(middlewares=[_guard(token)], client_max_size=MAX_BYTES)
    made.cleanup_ctx.append(ended)
    made.add_routes(
        [
            web.get("/{token}/", file),
            web.get("/{token}/{name}", file),
            web.post("/{token}/ask/{name}", question),
        ]
    )
    return made


def _answer(data: Any, status: int) -> web.Response:
    return web.Response(text=json.dumps(data, allow_nan=False), status=status, content_type="application/json")


def _guard(token: str) -> Any:
    """Return what stands before every request."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if not _is_ours(request, token):
                raise web.HTTPForbidden(
                    text="this address is not that of a page of emiss: use the one in the terminal\n"
                )
            response = await handler(request)
        except web.HTTPException as error:
            response = web.Response(text=error.text, status=error.status)
        response.headers.update(HEADERS)
        return response

    return guard


def _is_ours(request: web.Request, token: str) -> bool:
    """Return whether a request comes from the page itself, or from somebody who was given the address."""
    given = request.path.split("/")[1]
    host = request.headers.get("Host", "")
    origin = request.headers.get("Origin")
    return (
        hmac.compare_digest(given.encode(), token.encode())
        and _name(host) in NAMES
        and (origin is None or _place(origin) == host)
        and request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")
    )


def _place(origin: str) -> str:
    """Return host and port of an origin; nothing where it is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _name(host: str) -> str:
    """Return a host without its port."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
