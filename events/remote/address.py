"""Addresses as they may be shown: without a login, and without the values of a query, which may be keys."""

from __future__ import annotations

import re

QUERIES = frozenset({"http", "https", "root", "roots", "xroot", "xroots"})
"""Schemes in which a question mark begins a query; elsewhere it is part of a name, or of a pattern."""

_IN_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>\]})]+")


def scheme_of(address: str) -> str:
    """Return what stands before ``://``, in lower case; nothing where there is none."""
    scheme, found, _ = address.partition("://")
    return scheme.lower() if found else ""


def parts(address: str) -> tuple[str, str, str]:
    """Return scheme and host (``https://host``), path, and the query with its question mark."""
    scheme, _, rest = address.partition("://")
    query = ""
    if scheme.lower() in QUERIES:
        rest = rest.partition("#")[0]
        rest, mark, said = rest.partition("?")
        query = mark + said
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}", slash + path, query


def shown(address: str) -> str:
    """Return an address for messages, logs and provenance."""
    if not scheme_of(address):
        return address
    host, path, query = parts(address)
    scheme, _, place = host.partition("://")
    keys = [key for key, equals, _ in (part.partition("=") for part in query[1:].split("&")) if equals]
    hidden = "?" + "&".join(f"{key}=..." for key in keys or [""]).removeprefix("=") if query else ""
    return f"{scheme}://{place.rpartition('@')[2]}{path}{hidden}"


def shown_in(text: str) -> str:
    """Return a text with all addresses in it as they may be shown."""
    return _IN_TEXT.sub(lambda found: shown(found[0]), text)
