"""Overlapping volumes of a detector file are refused, where one of them stands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emiss.configs.errors import UserError
from emiss.reco.detector.model import load_detector
from emiss.reco.detector.overlaps import corners, overlaps
from emiss.reco.parts.volume import Volume


def box(x=0.0, z=0.0, *, y=0.0, angle=0.0, size=100.0, matter=True, hole=None) -> Volume:
    return Volume(
        kind="volume", x=x, y=y, z=z, angle=angle, width=size, height=size, depth=size, hole=hole, source="a test",
        matter={"lead": 1.0} if matter else {},
    )  # fmt: skip


def found(**parts: Volume) -> list[str]:
    return [message.partition(":")[0] for _, message in overlaps(parts)]


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (box(z=50.0), ["b overlaps a"]),
        (box(z=100.0), []),
        (box(x=100.0), []),
        (box(y=100.0), []),
        (box(x=99.0, y=99.0, z=99.0), ["b overlaps a"]),
        (box(x=125.0, angle=0.5), []),  # a corner of the box around it, not of it
        (box(x=90.0, angle=0.5), ["b overlaps a"]),
        (box(z=20.0, size=50.0), ["b overlaps a"]),
        (box(z=-100.0, size=300.0, hole=(100.0, 100.0)), []),
        (box(z=-100.0, size=300.0, hole=(100.0, 90.0)), ["b overlaps a"]),
        (box(z=-100.0, size=300.0, matter=False), []),
        (box(z=50.0, size=300.0, matter=False), ["b overlaps a"]),
    ],
)
def test_two_boxes(other, says):
    assert found(a=box(), b=other) == says


@given(
    x=st.floats(-200, 200),
    z=st.floats(-200, 200),
    first=st.floats(-0.5, 0.5),
    second=st.floats(-0.5, 0.5),
    size=st.floats(10, 150),
)
def test_as_points_inside_say(x, z, first, second, size):
    """A common point of two boxes makes an overlap; no point of a fine lattice in common by more than a step is none."""
    one, other = box(angle=first), box(x, z, angle=second, size=size)
    across, along = np.meshgrid(np.linspace(-0.5, 0.5, 41) * size, np.linspace(0, 1, 41) * size)
    points = np.stack(
        [x + across * np.cos(second) + along * np.sin(second), z - across * np.sin(second) + along * np.cos(second)]
    )
    u = points[0] * np.cos(first) - points[1] * np.sin(first)
    v = points[0] * np.sin(first) + points[1] * np.cos(first)
    depth = np.minimum(np.minimum(u + 50, 50 - u), np.minimum(v, 100 - v)).max()
    if depth > 0.01:
        assert found(a=one, b=other)
    if depth < -size / 20:
        assert not found(a=one, b=other)


def test_corners_of_a_box_that_is_turned():
    (volume,) = box(10.0, 20.0, angle=0.1).volumes("a")
    middle = corners(volume).mean(axis=0)
    assert middle == pytest.approx([10.0 + 50.0 * np.sin(0.1), 20.0 + 50.0 * np.cos(0.1)])


@pytest.mark.parametrize(
    ("change", "line", "says"),
    [
        ("hcal: {elements: {HCAL1: {z: 1.9 m}}}", 3, "HCAL1 overlaps HCAL0"),
        ("veto: {z: 0.4 m}", 3, "VETO23 overlaps ecal"),
        ("mm: {stations: {MM1: {z: 4.9 m}}}", 3, "MM1 overlaps HCAL2"),
        ("air: {kind: volume, z: 4 m, width: 1 m, height: 1 m, depth: 1 m, source: x}", 3, "as a whole"),
    ],
)
def test_the_part_is_named_with_its_place(tmp_path, change, line, says):
    file = tmp_path / "detector.yaml"
    file.write_text(f"extends: na64e_lfc\nparts:\n  {change}\n")
    with pytest.raises(UserError, match=says) as told:
        load_detector(file)
    first = getattr(told.value, "errors", [told.value])[0]
    assert (first.at.file, first.at.line) == (str(file), line)
    assert first.at.column > 2
