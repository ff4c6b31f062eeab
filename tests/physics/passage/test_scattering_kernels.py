"""Multiple scattering in mixtures against Moliere's theory as Lynch and Dahl put it, and against its own parts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from emiss.configs.compiled import kernel
from emiss.physics.constants import ALPHA
from emiss.physics.passage.matter import KNOWN
from emiss.physics.passage.muons import highland_angle
from emiss.physics.passage.scattering_kernels import scatter
from emiss.physics.passage.scattering_tables import scattering_tables

NAMES = ("iron", "lead", "carbon", "scintillator")
X0 = {"iron": 17.57, "lead": 5.612, "carbon": 193.2, "scintillator": 425.4}


@pytest.fixture(scope="module")
def tables():
    return scattering_tables(np.vstack([np.eye(4), [0.5, 0.5, 0, 0]]), [KNOWN[name] for name in NAMES])


@kernel
def many(tables, m, scale, path, out, rng):
    for n in range(len(out)):
        out[n] = np.array(scatter(tables, m, scale, 1.0, path, rng))


def thrown(tables, m, momentum, path, count=40_000):
    out = np.zeros((count, 4))
    many(tables, m, 1.0 / momentum, path, out, np.random.default_rng(5))
    return out


def central(values, part=0.98):
    """Return sigma of the Gaussian that has the rms of the central part."""
    inner = np.sort(np.abs(values))[: int(part * len(values))]
    z = norm.ppf(0.5 + 0.5 * part)
    return np.sqrt((inner**2).mean() / (1.0 - 2.0 * z * norm.pdf(z) / part))


@pytest.mark.parametrize("name", ["iron", "lead", "carbon"])
@pytest.mark.parametrize("lengths", [0.1, 1.0])
def test_the_core_is_that_of_lynch_and_dahl(tables, name, lengths):
    # G. R. Lynch, O. I. Dahl, Nucl. Instrum. Meth. B 58 (1991) 6: the central 98 % of Moliere's distribution; MeV
    ((z, a, _),) = KNOWN[name].elements
    path = lengths * X0[name]
    single = 0.157 * z * (z + 1) / a * path / 10 * KNOWN[name].density
    screened = 2.007e-5 * z ** (2 / 3) * (1 + 3.34 * (z * ALPHA) ** 2)
    nu = 0.5 * single / (1.167 * screened) / 0.02
    wanted = np.sqrt(single / (1 + 0.98**2) * ((1 + nu) / nu * np.log1p(nu) - 1)) * 1e-3 / 20.0
    out = thrown(tables, NAMES.index(name), 20.0, path)
    assert central(np.append(out[:, 0], out[:, 1])) == pytest.approx(wanted, rel=0.06)


@pytest.mark.parametrize("name", ["iron", "scintillator"])
def test_highland(tables, name):
    for lengths in (0.3, 3.0, 20.0):
        out = thrown(tables, NAMES.index(name), 20.0, lengths * X0[name])
        found = np.quantile(np.abs(out[:, :2]), 0.6827)
        # the nuclei's size narrows what many radiation lengths do
        assert found == pytest.approx(
            float(highland_angle(np.array(20.0), lengths)), rel=0.05 if lengths < 10 else 0.08
        )


def test_angle_and_displacement_go_together(tables):
    out = thrown(tables, 0, 20.0, 300.0)
    for angle, off in ((0, 2), (1, 3)):
        assert central(out[:, off]) == pytest.approx(central(out[:, angle]) * 300.0 / np.sqrt(3), rel=0.03)
        assert np.corrcoef(out[:, angle], out[:, off])[0, 1] == pytest.approx(np.sqrt(0.75), abs=0.02)
    assert abs(np.corrcoef(out[:, 0], out[:, 1])[0, 1]) < 0.02


def test_two_halves_are_the_whole_tails_included(tables):
    whole = thrown(tables, 4, 20.0, 20.0, 200_000)[:, 0]
    half = thrown(tables, 4, 20.0, 10.0, 400_000)[:, 0].reshape(2, -1)
    parts = half[0] + half[1]
    for quantile in (0.68, 0.95, 0.99, 0.999):
        assert np.quantile(np.abs(parts), quantile) == pytest.approx(np.quantile(np.abs(whole), quantile), rel=0.05)


def test_tails_are_rutherfords(tables):
    # beyond many times the core they go as the single collisions: chi_c^2/theta^2 of them, half of it in a view's wings
    path = 0.01 * X0["carbon"]
    out = thrown(tables, NAMES.index("carbon"), 20.0, path, 400_000)
    chi_c = 1e-3 * np.sqrt(0.157 * 6 * 7 / 12.011 * path / 10 * KNOWN["carbon"].density) / 20.0
    space = np.hypot(out[:, 0], out[:, 1])
    assert np.mean(space > 30 * chi_c) == pytest.approx(1 / 900, rel=0.15)


def test_no_matter_no_angle(tables):
    nothing = scattering_tables(np.zeros((1, 4)), [KNOWN[name] for name in NAMES])
    assert not thrown(nothing, 0, 1.0, 100.0, 100).any()
    assert not thrown(tables, 0, 1.0, 0.0, 100).any()
