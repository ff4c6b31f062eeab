"""GEM and hodoscopes: what their planes tell, and tracks made of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from emiss.events.lists import Lists, offsets_of
from emiss.reco.parts.technologies import measured
from emiss.reco.tracking.strips import StripStage
from emiss.samples.config import Digitisation
from emiss.samples.digitise_trackers import strips
from tests.reco.tracking.layouts import BOX, SHAPES, hits_of, reconstruct, shaped, spread

Z = np.array(SHAPES["3 + 2"]) * 1e3


def made_of(detector, technology, **keys):
    data = shaped(detector, SHAPES["3 + 2"]).model_dump(exclude_unset=True)
    mm = data["parts"]["mm"]
    del mm["multiplex"]
    mm |= {"technology": technology, "views": {"x": {"strips": 1000}, "y": {"strips": 320}}, **keys}
    return type(detector).model_validate(data).at([detector.file])


def points_of(rng, detector, x, y):
    exact = hits_of(rng, detector, x, y, sigma=0.0)
    position = exact["position"].copy()
    for number, plane in enumerate(detector.planes):
        here = exact["plane"] == number
        position[here] = measured(plane, position[here], rng).position
    return Lists(exact.offsets, {**exact.columns, "position": position})


@pytest.mark.parametrize(
    ("technology", "keys", "width"),
    [
        ("gem", {}, (0.9, 1.1)),
        ("hodoscope", {"pitch": 0.5, "sigma": 0.5 / np.sqrt(12)}, (0.8, 1.15)),
    ],
)
def test_tracks(toys, detector, technology, keys, width):
    rng = np.random.default_rng(4)
    own, n = made_of(detector, technology, **keys), 1500
    p, q = rng.uniform(10, 40, n), rng.choice([-1.0, 1.0], n)
    muons = toys.muons(rng, p, q, Z, BOX, 1.4)
    tracks = reconstruct(toys, own, points_of(rng, own, muons.x, muons.y))["tracks"]
    one = tracks.counts == 1
    assert one.mean() > 0.95
    row = tracks.offsets[:-1][one]
    pull = (tracks["q_over_p"][row] - (q / p)[one]) / tracks["sigma_q_over_p"][row]
    assert width[0] < spread(pull) < width[1]
    assert (tracks["charge"][row] == q[one]).mean() > 0.98


def test_fibres_tell_their_centres(detector):
    plane = replace(detector.planes[0], technology="hodoscope", pitch=2.0, strips=5, centre=10.0)
    rng = np.random.default_rng(1)
    np.testing.assert_allclose(
        measured(plane, np.array([5.1, 6.9, 10.9, 11.1, 15.0, 99.0]), rng).position, [6, 6, 10, 12, 14, 14]
    )


def test_a_single_strip_of_a_gem_is_a_cluster(toys, detector):
    """One channel a strip: nothing is ambiguous. A Micromegas channel alone stands for five places, and makes none."""
    own, constants = made_of(detector, "gem"), toys.Constants()
    table = {
        "plane": [0, 0, 0, 3],
        "wire": [400, 401, 700, 5],
        "a0": [10] * 4,
        "a1": [100] * 4,
        "a2": [200, 200, 150, 300],
    }
    digits = Lists(offsets_of(np.array([4])), {name: np.array(values, np.int16) for name, values in table.items()})
    stage = StripStage(own)
    stage.begin_run(constants)
    found = stage(toys.batch(1, apv=digits), {})["clusters"]
    assert sorted(zip(found["plane"].tolist(), found["size"].tolist(), strict=True)) == [(0, 1), (0, 2), (3, 1)]
    shift = constants.get("tracker.alignment", own.plane_names)["shift"][3]
    assert found["position"][found["plane"] == 3][0] == pytest.approx((5 - 159.5) * 0.25 + shift)
    few = Lists(
        offsets_of(np.array([1])),
        {name: np.array([v[0]], np.int16) for name, v in table.items()} | {"wire": np.array([7], np.int16)},
    )
    plain = StripStage(detector)
    plain.begin_run(constants)
    assert len(plain(toys.batch(1, apv=few), {})["clusters"]["plane"]) == 0


def test_fibres_that_chips_of_strips_read(toys, detector):
    """Without a TDC all charge of a particle is that of one strip; with one there is no strip at all."""
    own, constants = made_of(detector, "hodoscope"), toys.Constants()
    rng = np.random.default_rng(1)
    seen = points_of(rng, own, np.zeros((50, 5)), np.full((50, 5), 7.0))
    moved = constants.get("tracker.alignment", own.plane_names)["shift"][seen["plane"]]
    seen = Lists(seen.offsets, {**seen.columns, "position": seen["position"] + moved})
    digits = strips(seen, own, constants, Digitisation(), rng)
    assert len(digits["wire"]) == len(seen["plane"])
    assert set(digits["wire"][digits["plane"] == 1].tolist()) <= {187, 188}  # 7 mm lie between their fibres


def test_channels_without_a_table(detector):
    data = detector.model_dump(exclude_unset=True)
    del data["parts"]["mm"]["multiplex"]
    with pytest.raises(
        ValueError, match="without 'multiplex' each strip has a channel: 1000 strips of x, 200 channels"
    ):
        type(detector).model_validate(data)
