"""Who compiles is told once, and only by the command line."""

from __future__ import annotations

import sys

import pytest

from emiss import cli
from emiss.configs import compiling


@pytest.mark.parametrize(("arguments", "lines"), [(["select", "x"], 1), (["select", "x", "--quiet"], 0), (["-q"], 0)])
def test_it_is_said_once_and_not_where_silence_is_asked_for(arguments, lines, monkeypatch, capsys):
    def app() -> None:
        compiling.begins()
        compiling.begins()

    before = compiling.count()
    monkeypatch.setattr("emiss.commands.app.app", app)
    monkeypatch.setattr(sys, "argv", ["emiss", *arguments])
    try:
        cli._run()
    finally:
        compiling.tell(None)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "compiling kernels once ('emiss warm-up' does it ahead) ...\n" * lines
    assert compiling.count() == before + 2


def test_nothing_is_said_to_a_library(capsys):
    compiling.begins()
    assert capsys.readouterr() == ("", "")
