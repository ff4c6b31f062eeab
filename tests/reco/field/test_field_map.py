"""Maps and soft edges: transport against an integration of the equation of motion, the interpolation, files and mistakes."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - annotations of fixtures

import numpy as np
import pytest
import uproot

from emiss.configs.errors import UserError
from emiss.reco.field.curvature import CURVATURE
from emiss.reco.field.field_map import LARGEST_DIVERGENCE, FieldMap
from emiss.reco.field.transport import SoftBox, UniformBox

BOX = (700.0, 2700.0)
BY = 1.4
EDGE = 120.0


def dipole(x, y, z):
    """A dipole that fulfils Maxwell's equations: By - i Bz is analytic in z + iy; its fringes shrink with x."""
    w = z + 1j * y
    f = 0.5 * BY * (np.tanh((w - BOX[0]) / EDGE) - np.tanh((w - BOX[1]) / EDGE))
    return np.stack([np.zeros(np.shape(f + x)), f.real + 0 * x, f.imag + 0 * x], axis=-1)


def made(field, step=20.0, half=(200.0, 60.0), z=(0.0, 3400.0)):
    axes = tuple(np.arange(low, high + 1e-6, step) for low, high in ((-half[0], half[0]), (-half[1], half[1]), z))
    return FieldMap(axes, field(*np.meshgrid(*axes, indexing="ij")))


@pytest.fixture(scope="module")
def smooth():
    return made(dipole)


def states(count, seed=1, lowest=5.0):
    rng = np.random.default_rng(seed)
    p = rng.uniform(lowest, 100.0, count)
    return np.column_stack(
        [rng.normal(0, 10, (count, 2)), rng.normal(0, 3e-3, (count, 2)), rng.choice([-1, 1], count) / p]
    )


def integrate(state, field, z, target):
    """Follow the momentum vector along the path: the Lorentz force, with no z as the parameter of the way."""
    from scipy.integrate import solve_ivp

    q, p = np.sign(state[4]), 1 / abs(state[4])
    unit = np.array([state[2], state[3], 1.0]) / np.sqrt(1 + state[2] ** 2 + state[3] ** 2)

    def force(_, v):
        b = np.nan_to_num(field.at(*v[:3, None]))[0]
        return np.concatenate([v[3:], CURVATURE * q / p * np.cross(v[3:], b)])

    def arrived(_, v):
        return v[2] - target

    arrived.terminal = True
    start = np.concatenate([state[:2], [z], unit])
    way = solve_ivp(force, (0, 2 * (target - z)), start, events=arrived, rtol=1e-10, atol=1e-10, max_step=10.0)
    x, y, _, ux, uy, uz = way.y_events[0][0]
    return np.array([x, y, ux / uz, uy / uz])


@pytest.mark.parametrize("kind", ["map", "soft"])
def test_transport_follows_the_lorentz_force(smooth, kind):
    field = smooth if kind == "map" else SoftBox(BY, BOX, EDGE)
    start = states(4)
    moved, _ = field.transport(start, 0.0, 3400.0)
    expected = np.array([integrate(state, field, 0.0, 3400.0) for state in start])
    assert abs(moved[:, :2] - expected[:, :2]).max() < 1e-3  # mm, where planes measure 80 um
    kicks = np.abs(start[:, 4] * field.kick)
    assert (abs(moved[:, 2] - expected[:, 2]) / kicks).max() < 1e-5
    assert abs(moved[:, 3] - expected[:, 3]).max() < 1e-6


@pytest.mark.parametrize("kind", ["map", "soft"])
def test_derivatives_are_those_of_the_step(kind):
    soft = SoftBox(BY, BOX, EDGE)
    # one cell in x and y, so that no difference is taken over a kink of the interpolation
    axes = (np.array([-300.0, 300.0]), np.array([-80.0, 80.0]), np.arange(0.0, 3401.0, 20.0))
    x, y, z = np.meshgrid(*axes, indexing="ij")
    skew = FieldMap(axes, soft.at(x, y, z) * (1 + 1e-3 * x - 2e-3 * y)[..., None] + [1e-2, 0, 0])
    field = skew if kind == "map" else soft
    start = states(20, seed=2, lowest=10.0)
    _, jacobian = field.transport(start, 0.0, 3400.0)
    for k, step in enumerate((1e-2, 1e-2, 1e-6, 1e-6, 1e-6)):
        shift = np.zeros(5)
        shift[k] = step
        difference = field.transport(start + shift, 0.0, 3400.0)[0] - field.transport(start - shift, 0.0, 3400.0)[0]
        slope = difference / (2 * step)
        np.testing.assert_allclose(jacobian[:, :, k], slope, rtol=1e-5, atol=1e-6 * np.abs(slope).max())


def test_a_map_of_a_box_is_the_box():
    box = UniformBox(BY, BOX)
    same = made(box.at, step=50.0, z=BOX)
    assert same.integral == pytest.approx(box.integral)
    assert same.box.z_range == pytest.approx(BOX)
    start = states(200)
    for z, target in ((0.0, 3400.0), (900.0, 2000.0), (0.0, 400.0), (3000.0, 3400.0)):
        moved, jacobian = same.transport(start, z, target)
        expected, slopes = box.transport(start, z, target)
        np.testing.assert_allclose(moved, expected, rtol=1e-7, atol=1e-5)
        np.testing.assert_allclose(jacobian, slopes, rtol=1e-5, atol=1e-3)


def test_in_two_steps_as_in_one(smooth):
    start = states(50)
    once, jacobian = smooth.transport(start, 0.0, 3400.0)
    half, first = smooth.transport(start, 0.0, 1234.5)
    twice, second = smooth.transport(half, 1234.5, 3400.0)
    np.testing.assert_allclose(twice[:, :2], once[:, :2], atol=1e-3)
    np.testing.assert_allclose(second @ first, jacobian, rtol=2e-4, atol=1.5)


def test_few_steps_are_enough(smooth):
    kinds = smooth.steps(np.array([0.0, 500.0, 2900.0, 3400.0])).kind
    assert 5 < len(kinds) < 20  # of the 170 cells of the map


def test_soft_edges_keep_the_integral_and_bend_like_the_box():
    soft, box = SoftBox(BY, BOX, 50.0), UniformBox(BY, BOX)
    z = np.linspace(*soft.region, 20001)
    on_axis = soft.at(0.0, 0.0, z)[:, 1]
    assert on_axis.sum() * (z[1] - z[0]) == pytest.approx(box.integral, rel=1e-6)
    start = states(100, lowest=20.0)
    moved, _ = soft.transport(start, 0.0, 3400.0)
    expected, _ = box.transport(start, 0.0, 3400.0)
    np.testing.assert_allclose(moved[:, 2], expected[:, 2], atol=1e-4 * 0.042)
    assert abs(moved[:, 1] - expected[:, 1]).max() > 1e-4  # the fringes focus in y, the box does not
    assert soft.scaled(0.5).integral == pytest.approx(0.5 * box.integral)


def test_interpolation_is_trilinear_with_derivatives():
    def linear(x, y, z):
        return np.stack([x * y + z, y * z - x, x * y * z], axis=-1)

    field = made(linear, step=7.0, half=(35.0, 21.0), z=(-70.0, 70.0))
    rng = np.random.default_rng(3)
    x, y, z = (rng.uniform(-h, h, 300) for h in (35, 21, 70))
    np.testing.assert_allclose(field.at(x, y, z), linear(x, y, z), atol=1e-9)
    slopes = np.empty((300, 3, 3))
    slopes[:, 0] = np.stack([y, x, np.ones(300)], axis=-1)
    slopes[:, 1] = np.stack([-np.ones(300), z, y], axis=-1)
    slopes[:, 2] = np.stack([y * z, x * z, x * y], axis=-1)
    np.testing.assert_allclose(field.gradient(x, y, z), slopes, atol=1e-9)
    assert np.isnan(field.at(40.0, 0.0, 0.0)).all()
    assert (field.at(0.0, 0.0, 100.0) == 0).all()


def test_beside_the_map_tracks_are_lost(smooth):
    beside = np.array([[0.0, 0.0, 0.0, 0.0, 0.02], [0.0, 70.0, 0.0, 0.0, 0.02], [0.0, 0.0, 0.2, 0.0, 0.02]])
    moved, jacobian = smooth.transport(beside, 0.0, 3400.0)
    assert np.isnan(moved).all(axis=1).tolist() == [False, True, True]
    assert np.isnan(jacobian[1]).all()
    straight, _ = smooth.transport(beside, 3400.0, 3500.0)  # behind the map there is no field to be known
    assert np.isfinite(straight).all()


def test_the_divergence_tells_a_field_from_a_mix_up(smooth, tmp_path):
    assert smooth.divergence < 0.02
    for wrong in ([0, 2, 1], [1, 0, 2]):
        mixed = FieldMap(smooth.axes, np.ascontiguousarray(smooth.values[..., wrong]))
        assert mixed.divergence > LARGEST_DIVERGENCE
    assert FieldMap(smooth.axes, smooth.values * [1, 1, -1]).divergence > LARGEST_DIVERGENCE
    write(tmp_path / "mixed.txt", made(dipole, step=60.0), "x, z, y, Bx, By, Bz")
    with pytest.raises(UserError, match=r"divergence .* no magnetic field.*swapped columns"):
        FieldMap.load(tmp_path / "mixed.txt")


def write(path: Path, field, columns="x, y, z, Bx, By, Bz", units="mm, mm, mm, T, T, T", factors=(1.0, 1.0)):
    grid = np.stack(np.meshgrid(*field.axes, indexing="ij"), axis=-1).reshape(-1, 3) / factors[0]
    rows = np.column_stack([grid, field.values.reshape(-1, 3) / factors[1]])
    np.random.default_rng(1).shuffle(rows)
    np.savetxt(path, rows, header=f"columns = {columns}\nunits = {units}", comments="", fmt="%.12g")


@pytest.fixture
def coarse():
    return made(dipole, step=40.0, half=(80.0, 40.0), z=(0.0, 3400.0))


def same(field, other):
    for axis, expected in zip(field.axes, other.axes, strict=True):
        np.testing.assert_allclose(axis, expected, atol=1e-6)
    np.testing.assert_allclose(field.values, other.values, atol=1e-9)


def test_text_files_in_any_order_and_other_units(coarse, tmp_path):
    write(tmp_path / "a.txt", coarse)
    same(FieldMap.load(tmp_path / "a.txt"), coarse)
    write(tmp_path / "b.txt", coarse, units="cm, cm, cm, kG, kG, kG", factors=(10.0, 0.1))
    same(FieldMap.load(tmp_path / "b.txt"), coarse)
    moved = FieldMap.load(tmp_path / "a.txt", at=(0.0, 1.0, 5800.0), scale=-0.5)
    assert moved.region == (5800.0, 9200.0)
    assert moved.integral == pytest.approx(-0.5 * coarse.integral, rel=1e-3)


def test_root_trees_and_histograms(coarse, tmp_path):
    grid = np.stack(np.meshgrid(*coarse.axes, indexing="ij"), axis=-1).reshape(-1, 3)
    columns = dict(zip(("X", "Y", "Z"), grid.T, strict=True))
    columns |= {f"B{c}": coarse.values[..., k].ravel() for k, c in enumerate("xyz")}
    with uproot.recreate(tmp_path / "tree.root") as file:
        file.mktree("field", dict.fromkeys(columns, "f8"))
        file["field"].extend(columns)
    same(FieldMap.load(tmp_path / "tree.root"), coarse)
    edges = [np.append(axis - 20.0, axis[-1] + 20.0) for axis in coarse.axes]
    with uproot.recreate(tmp_path / "th3.root") as file:
        for k, c in enumerate("xyz"):
            file[f"B{c}"] = (coarse.values[..., k], *edges)
    same(FieldMap.load(tmp_path / "th3.root"), coarse)


NODES = [(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
ROWS = "\n".join(f"{x} {y} {z} 0 1 0" for x, y, z in NODES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no node"),
        ("0 0 0 0 1", r"m\.txt:1:1: 6 finite numbers are needed: x y z Bx By Bz"),
        ("0 0 0 0 nan 0", "6 finite numbers"),
        ("# a comment\n0 0 0 0 one 0", r"m\.txt:2:1: no row of numbers"),
        (ROWS + "\n0 1 0 0 1 0", r"m\.txt:9: the node x = 0, y = 1, z = 0 mm is there twice"),
        (ROWS.replace("0 1 1 0 1 0\n", ""), "of 2 x 2 x 2 nodes 1 are missing, the first at x = 0, y = 1, z = 1 mm"),
        ("columns = x, y, z, Bq\n", r"unknown column 'Bq'; did you mean"),
        ("columns = x, y, By\n", "no column 'z'"),
        ("columns = x, y, z\n", "at least one of Bx, By, Bz"),
        ("columns = x, y, z, By\nunits = mm, mm, mm, GeV\n", "'By' is in T, not in GeV"),
        ("columns = x, y, z, By\nunits = mm, mm, T\n", "4 columns but 3 units"),
        ("columns = x, y, z, By\nunits = mm, mm, mm, gauss\n", "unknown unit 'gauss'"),
        ("unit = mm\n", "unknown key 'unit'; did you mean 'units'"),
        ("0 0 0 0 1 0", "two at least"),
        (ROWS + "\n" + ROWS.replace("\n1 ", "\n9 ").replace("0 0 0 0", "7 0 0 0"), "twice|missing"),
    ],
)
def test_mistakes_in_text_files(tmp_path, text, message):
    (tmp_path / "m.txt").write_text(text)
    with pytest.raises(UserError, match=message):
        FieldMap.load(tmp_path / "m.txt")


def test_other_mistakes(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        FieldMap.load(tmp_path / "none.txt")
    with uproot.recreate(tmp_path / "t.root") as file:
        file.mktree("t", {"x": "f8", "y": "f8", "By": "f8"})
        file["t"].extend({"x": np.zeros(1), "y": np.zeros(1), "By": np.zeros(1)})
    with pytest.raises(UserError, match="no branch 'z'"):
        FieldMap.load(tmp_path / "t.root")
    axes = (np.array([0.0, 1.0, 5.0]), np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    with pytest.raises(ValueError, match="nodes in x do not ascend in equal steps"):
        FieldMap(axes, np.zeros((3, 2, 2, 3)))
    with pytest.raises(ValueError, match="finite"):
        FieldMap((axes[1],) * 3, np.full((2, 2, 2, 3), np.nan))
    with pytest.raises(ValueError, match="above zero"):
        SoftBox(1.0, BOX, 0.0)
