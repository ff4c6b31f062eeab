"""What a command with a page says when the page can be opened."""

from __future__ import annotations

import typer

from emiss.terminal import say


def say_address(address: str, *, open_: bool, quiet: bool) -> None:
    """Say where the page is, and open it where somebody would see it."""
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
