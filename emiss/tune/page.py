"""The page of `emiss tune`: its files, and the questions that it asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.browser.application import Page

if TYPE_CHECKING:
    from emiss.tune.session import Session


def page_of(session: Session) -> Page:
    """Return the page of a session."""
    return Page(
        folders=[("emiss.browser", "page"), ("emiss.tune", "front")],
        questions={
            "describe": session.describe,
            "answer": session.answer,
            "steps": session.steps,
            "limit": session.limit,
            "save": session.save,
        },
    )
