"""Drawings of set-ups: labels beside each other, to one scale, and what is not to scale is said."""

from __future__ import annotations

from itertools import combinations
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emiss.configs import loader
from emiss.drawing import svg
from emiss.reco.detector.model import load_detector
from emiss.reco.parts.base import Volume
from emiss.setups.draw import draw, picture
from emiss.setups.scale import SHORTENED, scale, spread
from emiss.setups.shapes import Shape


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30), st.floats(0.1, 10))
def test_labels_have_room(wanted, apart):
    wanted = sorted(wanted)
    places = np.array(spread(wanted, apart))
    assert (np.diff(places) >= apart - 1e-9).all()
    assert places.mean() == pytest.approx(np.mean(wanted))
    if (np.diff(wanted) > apart).all():
        assert places == pytest.approx(wanted)


@given(st.lists(st.tuples(st.floats(-3e4, 3e4), st.floats(0, 3000)), min_size=1, max_size=20))
def test_the_scale_is_one_but_in_breaks(boxes):
    ranges = [(z, z + depth) for z, depth in boxes]
    along = scale(ranges)
    for first, last in ranges:
        assert along(last) - along(first) == pytest.approx(last - first, abs=1e-6)
    for first, last in along.breaks:
        assert along(last) - along(first) == pytest.approx(SHORTENED)
        assert last - first > SHORTENED
    assert all(not any(a < tick < b for a, b in along.breaks) for tick in along.ticks(5000.0))


@pytest.mark.parametrize("name", ["na64e_visible_2018", "ldmx_like"])
def test_no_text_stands_on_another(name):
    figure = picture(load_detector(name))
    figure.canvas.draw()
    texts = [text for axes in figure.axes for text in axes.texts] + figure.texts
    texts += [text for axes in figure.axes for text in axes.get_xticklabels()]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts if text.get_text()]
    boxes += [("legend", legend.get_window_extent()) for legend in figure.legends]
    assert len(boxes) > 20
    assert not [(a, b) for (a, one), (b, other) in combinations(boxes, 2) if one.overlaps(other)]
    width, height = figure.get_size_inches() * figure.dpi
    assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height for _, box in boxes)


def test_what_crowds_has_a_detail():
    """Its names stand there, and a frame in the whole shows where it is; nothing is named twice or not at all."""
    figure = picture(load_detector("na64e_visible_2018"))
    names = [{text.get_text() for text in axes.texts} for axes in figure.axes]
    crowd = {"WCAL0", "WCAL1", "WCAL2", "V2", "S3"}
    assert any(crowd <= detail for detail in names[2:])
    assert not names[0] & crowd
    assert "a" in names[0]
    assert "a: x, y and z have one scale" in [text.get_text() for text in figure.texts]
    assert len(picture(load_detector("na64e_lfc")).axes) == 2


def test_a_turned_box_and_its_hole():
    """From the top it is turned with its hole and cells; from the side one sees as much of z as it takes."""
    box = Volume("x", 100.0, 0.0, 0.0, 200.0, 60.0, 400.0, angle=0.3, hole=(50.0, 20.0), columns=4, rows=3)
    shape = Shape("x", "grid", box, empty=False, unknown=False)
    along = scale([(-1000.0, 1000.0)])
    outer, inner = shape.outline("x", along), shape.outline("x", along, hole=True)
    for corners, width in ((outer, 200.0), (inner, 50.0)):
        sides = np.diff(corners, axis=0)
        assert np.hypot(*sides.T) == pytest.approx([width, 400.0, width])
        assert np.arctan2(sides[1, 1], sides[1, 0]) == pytest.approx(0.3)
        assert corners[:2, 1].mean() == pytest.approx(100.0)
    assert len(shape.borders("x", along)) == 3
    assert len(shape.borders("y", along)) == 2
    assert np.ptp(shape.outline("y", along)[:, 0]) == pytest.approx(400 * np.cos(0.3) + 200 * np.sin(0.3))
    assert np.ptp(shape.outline("y", along, hole=True)[:, 1]) == pytest.approx(20.0)


def test_what_is_not_to_scale_is_said():
    words = " ".join(text.get_text() for text in picture(load_detector("na64e_2023")).texts)
    assert "z is compressed 4 times against x and y; at // z is shortened (-12.2 to -2.8 m)" in words


@pytest.mark.parametrize(("suffix", "magic"), [(".svg", b"<svg"), (".pdf", b"%PDF"), (".png", b"\x89PNG")])
def test_formats(tmp_path, suffix, magic):
    detector = load_detector("na64e_lfc")
    out = draw(detector, tmp_path / f"x{suffix}")
    assert out.read_bytes().startswith(magic)


def test_a_drawing_says_names_and_fields(tmp_path):
    text = draw(load_detector("na64e_beam"), tmp_path / "x.svg").read_text()
    for name in (*load_detector("na64e_beam").volumes, "1.7 T, 6.8 T m", "1.4 T, 2.8 T m"):
        assert name in text or name[:4] in ("VETO", "SRD1")
    assert len(text) < 60_000


def test_an_svg_is_whole(tmp_path):
    """What makes it small takes no element out: as many as in the figure, and it is XML."""
    detector = load_detector("ldmx_like")
    made = ET.fromstring(draw(detector, tmp_path / "x.svg").read_text())  # noqa: S314 - our own
    whole = ET.fromstring(svg(picture(detector)))  # noqa: S314
    assert [element.tag for element in made.iter()] == [element.tag for element in whole.iter()]


def test_drawings_are_repeatable(tmp_path):
    detector = load_detector(loader.find("detectors", "na64e_2018"))
    first, second = (draw(detector, tmp_path / f"{n}.svg").read_text() for n in range(2))
    assert first == second
