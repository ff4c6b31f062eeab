"""Who is answered and who is not; what every answer says to the browser."""

from __future__ import annotations

import asyncio
import io
import json

import pytest
from aiohttp.test_utils import TestClient, TestServer

from emiss.browser.application import HEADERS, Page, application
from emiss.configs.errors import UserError

TOKEN = "a-token"  # noqa: S105 - of no page


def _broken(_: object) -> object:
    msg = "secret inside"
    raise ValueError(msg)


def _refused(_: object) -> object:
    raise UserError("there is no cut 'x'", hint="did you mean 'y'?")


PAGE = Page([("emiss.browser", "page")], {"echo": lambda data: {"said": data}, "broken": _broken, "refused": _refused})


def request(method: str, path: str, **given: object) -> tuple[int, str, dict[str, str]]:
    async def asked() -> tuple[int, str, dict[str, str]]:
        async with TestClient(TestServer(application(PAGE, TOKEN))) as client:
            found = await client.request(method, path, **given)  # type: ignore[arg-type]
            return found.status, await found.text(), dict(found.headers)

    return asyncio.run(asked())


def ask(name: str, data: object, **headers: str) -> tuple[int, object]:
    status, text, _ = request("POST", f"/{TOKEN}/ask/{name}", json=data, headers=headers)
    return status, json.loads(text) if text.startswith("{") else text


def test_the_page_and_its_questions():
    status, text, headers = request("GET", f"/{TOKEN}/base.css")
    assert (status, headers["Content-Type"]) == (200, "text/css; charset=utf-8")
    assert "--ink" in text
    assert ask("echo", [1, "two"]) == (200, {"said": [1, "two"]})


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 403),
        ("/base.css", 403),
        ("/b-token/", 403),
        (f"/{TOKEN}x/", 403),
        ("/%ff%fe/", 403),
        ("/%00/", 403),
        ("//", 403),
        ("/favicon.ico", 403),
        (f"/{TOKEN}/../../pyproject.toml", 403),
        (f"/{TOKEN}/%2e%2e%2fapplication.py", 404),
        (f"/{TOKEN}/__init__.py", 404),
        (f"/{TOKEN}/ask/echo", 405),
    ],
)
def test_nothing_without_the_token_and_nothing_but_the_files(path, status):
    found, text, headers = request("GET", path)
    assert found == status
    assert "import" not in text
    assert {name: headers[name] for name in HEADERS} == HEADERS


@pytest.mark.parametrize("host", ["127.0.0.1:1234", "localhost:99", "[::1]:7", "localhost"])
def test_this_machine_by_its_names(host):
    assert ask("echo", 1, Host=host, Origin=f"http://{host}") == (200, {"said": 1})


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example:8080"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "localhost:99", "Origin": "http://evil.example"},
        {"Host": "localhost:99", "Origin": "http://localhost:98"},
        {"Host": "localhost:99", "Origin": "null"},
        {"Host": "localhost:99", "Origin": "http://[::1"},
        {"Host": ""},
        {"Host": "localhost", "Sec-Fetch-Site": "cross-site"},
        {"Host": "localhost", "Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_names_and_other_pages_are_refused(headers):
    assert ask("echo", 1, **headers)[0] == 403


def test_mistakes_and_bugs(caplog):
    assert ask("refused", {}) == (422, {"error": "there is no cut 'x'; did you mean 'y'?"})
    status, said = ask("broken", {})
    assert (status, said) == (500, {"error": "something went wrong; the terminal says more"})
    assert "secret inside" in caplog.text
    assert ask("nothing", {})[0] == 404


@pytest.mark.parametrize("text", ["{", "[" * 200_000, "\x00"])
def test_no_json(text):
    found = request("POST", f"/{TOKEN}/ask/echo", data=text, headers={"Content-Type": "application/json"})
    assert found[:2] == (400, '{"error": "the question is no JSON"}')


def test_a_form_of_another_page_is_no_question():
    found = request("POST", f"/{TOKEN}/ask/echo", data="{}", headers={"Content-Type": "text/plain"})
    assert found[0] == 415


def test_a_question_that_is_too_long():
    long = io.BytesIO(b'"' + b"x" * 1_100_000 + b'"')
    found = request("POST", f"/{TOKEN}/ask/echo", data=long, headers={"Content-Type": "application/json"})
    assert found[0] == 413
