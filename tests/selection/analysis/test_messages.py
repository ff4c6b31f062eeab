"""Golden texts of what a user is told about mistakes in an analysis file."""

from __future__ import annotations

from pathlib import Path

import pytest

from emiss.configs.errors import UserError
from emiss.configs.loader import loads
from emiss.reco.detector.model import load_detector
from emiss.reco.pipeline import columns_of
from emiss.selection import bind
from emiss.selection.analysis.read import from_document

GOLDEN = (Path(__file__).parent / "messages.txt").read_text(encoding="utf-8")
COLUMNS_BY_NAME = columns_of(load_detector("na64e_beam"))


def _mistakes() -> list[tuple[str, str, str]]:
    found = []
    for block in GOLDEN.split("\n=== ")[1:]:
        title, _, rest = block.partition("\n")
        text, _, message = rest.partition("---\n")
        found.append((title, text, message.rstrip("\n")))
    return found


def test_there_are_enough_of_them() -> None:
    assert len(_mistakes()) >= 60


@pytest.mark.parametrize(("text", "message"), [pytest.param(*rest, id=title) for title, *rest in _mistakes()])
def test_message(text: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        bind(from_document(loads(text, "cuts.yaml")), COLUMNS_BY_NAME)
    assert caught.value.render() == message
