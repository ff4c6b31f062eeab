"""Options of a command in groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from emiss.commands.grouped import grouped


@dataclass(frozen=True)
class Size:
    width: Annotated[int, typer.Option(min=1, help="In cells.")] = 2
    height: Annotated[list[float] | None, typer.Option("--height", "-y")] = None


@dataclass(frozen=True)
class Look:
    json_: Annotated[bool, typer.Option("--json")] = False


@pytest.fixture
def run():
    seen = []

    @grouped
    def draw(size: Size, look: Look) -> None:
        """Draw it."""
        seen.append((size, look))

    app = typer.Typer(rich_markup_mode=None)
    app.command()(draw)

    def call(*arguments):
        seen.clear()
        result = CliRunner().invoke(app, list(arguments))
        return result, list(seen)

    return call


def test_each_group_gets_its_options(run):
    assert run()[1] == [(Size(), Look())]
    assert run("--json", "-y", "1.5", "--width", "3", "-y", "2")[1] == [(Size(3, [1.5, 2.0]), Look(json_=True))]


def test_options_are_checked_and_shown_in_the_order_of_the_groups(run):
    refused, seen = run("--width", "0")
    assert refused.exit_code == 2
    assert seen == []
    shown = run("--help")[0].output
    assert "Draw it." in shown
    assert shown.index("--width") < shown.index("In cells.") < shown.index("--height") < shown.index("--json")
