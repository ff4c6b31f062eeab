"""The port, the address, and the end."""

from __future__ import annotations

import threading
from urllib import error
from urllib.request import urlopen

import pytest

from emiss.browser import serving
from emiss.browser.application import Page
from emiss.configs.errors import UserError

PAGE = Page([("emiss.browser", "page")])


def test_a_port_that_is_taken():
    with serving.listen() as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"--port {port}: Address already in use"):
            serving.listen(port)


def test_a_page_is_served_until_it_is_told_to_stop():
    said: list[str] = []
    began, stop = threading.Event(), threading.Event()

    def ready(address: str) -> None:
        said.append(address)
        began.set()

    thread = threading.Thread(target=serving.serve, args=(PAGE, serving.listen(), ready, stop))
    thread.start()
    assert began.wait(10)
    (address,) = said
    with urlopen(f"{address}base.css", timeout=10) as answer:  # noqa: S310 - our own
        assert answer.status == 200
    with pytest.raises(error.HTTPError, match="403"):
        urlopen(address[: address.index("/", 8)], timeout=10)  # noqa: S310 - our own
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    with pytest.raises(OSError, match="refused"):
        urlopen(f"{address}base.css", timeout=10)  # noqa: S310 - our own
    port = address.split(":")[2].split("/")[0]
    assert serving.tunnel(address).startswith(f"ssh -N -L {port}:127.0.0.1:{port} ")


def test_a_screen(monkeypatch):
    monkeypatch.setattr(serving.sys, "platform", "linux")
    for name in ("SSH_CONNECTION", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not serving.has_screen()
    monkeypatch.setenv("DISPLAY", ":0")
    assert serving.has_screen()
    monkeypatch.setenv("SSH_CONNECTION", "1 2 3 4")
    assert not serving.has_screen()


def test_no_browser(monkeypatch):
    def none(_: str) -> bool:
        raise serving.webbrowser.Error("none")

    monkeypatch.setattr(serving.webbrowser, "open", none)
    assert not serving.open_browser("http://127.0.0.1:1/x/")
