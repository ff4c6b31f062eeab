"""What commands with a page in the browser say when it can be opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from emiss.terminal import say

if TYPE_CHECKING:
    from collections.abc import Callable


def ready(*, open_: bool, quiet: bool) -> Callable[[str], None]:
    """Return what is called with the address of a page: it is printed, and opened where somebody would see it."""
    return lambda address: _ready(address, open_=open_, quiet=quiet)


def _ready(address: str, *, open_: bool, quiet: bool) -> None:
    from emiss.browser import serving

    typer.echo(address)
    opened = open_ and serving.has_screen() and serving.open_browser(address)
    if quiet or opened:
        if not quiet:
            say("Ctrl-C ends it", "dim")
        return
    why = "" if not open_ else "no browser on this screen; "
    say(f"{why}open the address on this machine, or bring it to yours:", "dim")
    say(f"  {serving.tunnel(address)}", "dim")
    say("Ctrl-C ends it", "dim")
