"""The set-up of figures: what it leaves alone, what it takes out of an SVG, and which format a file gets."""

from __future__ import annotations

import re

import matplotlib as mpl
import pytest

from emiss import drawing


@pytest.fixture
def line():
    """Return a function that draws a line into a new figure."""

    def draw():
        with drawing.styled():
            made = drawing.figure(3.0, 2.0)
            made.subplots().plot([0, 1], [0, 1], label="a line")
        return made

    return draw


def test_the_style_holds_only_inside() -> None:
    before = dict(mpl.rcParams)
    with drawing.styled():
        assert mpl.rcParams["svg.fonttype"] == "none"
        assert not mpl.rcParams["axes.spines.top"]
    assert dict(mpl.rcParams) == before


def test_a_figure_is_known_to_no_window(line) -> None:
    made = line()
    assert made.canvas.manager is None
    assert tuple(made.get_size_inches()) == (3.0, 2.0)


def test_the_same_figure_gives_the_same_element(line) -> None:
    text = drawing.svg(line())
    assert text == drawing.svg(line())
    assert text.startswith("<svg")
    assert "<metadata>" not in text
    assert not re.search(r'<svg[^>]* (?:width|height)="', text)  # the page says how large it is
    assert "viewBox" in text


def test_texts_stay_texts(line) -> None:
    made = line()
    made.axes[0].set_title("a title to be found")
    assert "a title to be found" in drawing.svg(made)


@pytest.mark.parametrize(
    ("name", "kind", "first"), [("a.png", None, b"\x89PNG"), ("a.picture", "png", b"\x89PNG"), ("a.pdf", None, b"%PDF")]
)
def test_the_suffix_or_the_kind_says_the_format(line, tmp_path, name, kind, first) -> None:
    drawing.save(line(), tmp_path / name, kind=kind)
    assert (tmp_path / name).read_bytes().startswith(first)
