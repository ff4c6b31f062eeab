"""The page of `emiss look`: its files, and the questions that it asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.browser.application import Page

if TYPE_CHECKING:
    from emiss.display.session import Session


def page_of(session: Session) -> Page:
    """Return the page of a session."""
    return Page(
        folders=[("emiss.browser", "page"), ("emiss.display", "front")],
        questions={
            "describe": session.describe,
            "list": session.listing,
            "event": session.event,
            "signals": session.signals,
            "picture": session.picture,
        },
    )
