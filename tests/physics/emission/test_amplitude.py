"""The squared amplitudes and the whole exact cross section against numerical Dirac traces over four-vectors."""

from __future__ import annotations

import numpy as np
import pytest

from emiss.physics.constants import ALPHA, ELECTRON_MASS, LEAD, MUON_MASS, PICOBARN, Nucleus
from emiss.physics.emission import amplitude, exact, exact_kernels, form_factor, ww
from emiss.physics.emission.cross_sections import total
from emiss.physics.emission.form_factor import squared
from emiss.physics.emission.phase_space import integral
from emiss.physics.process import SCALARS, VECTORS, Process

REAL, COMPLEX = np.longdouble, np.clongdouble


def gammas() -> tuple[np.ndarray, np.ndarray]:
    """Return gamma^mu, shape (4, 4, 4), and gamma5 in the Dirac representation."""
    one, zero = np.eye(2), np.zeros((2, 2))
    pauli = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    g = [np.block([[one, zero], [zero, -one]])] + [np.block([[zero, s], [-s, zero]]) for s in pauli]
    g = np.array(g, COMPLEX)
    return g, 1j * g[0] @ g[1] @ g[2] @ g[3]


def slash(p: np.ndarray) -> np.ndarray:
    g, _ = gammas()
    return np.einsum("na,aij->nij", p * np.array([1, -1, -1, -1]), g)


def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[..., 0] * b[..., 0] - (a[..., 1:] * b[..., 1:]).sum(-1)


def squared_2_to_2(s, u, m_i, m_f, m_phi):
    """Return |A|^2 of l_i gamma -> l_f phi, Eq. 20, for s~ and u~ in GeV^2; t2 = m_phi^2 - s~ - u~."""
    delta = m_phi**2 - m_i**2 - m_f**2
    t2 = m_phi**2 - s - u
    return -((s + u) ** 2) / (2.0 * s * u) + delta * ((s + u) * (s * m_f**2 + u * m_i**2) / (s * u) ** 2 - t2 / (s * u))


def traced(p, out, k, photon, m_i, m_f):
    """Return |A|^2 of Eq. 7 averaged over the incoming spin; `photon` contracts with the photon's vertex, (N, 4)."""
    g, g5 = gammas()
    right = 0.5 * (np.eye(4) + g5)
    s, u = dot(out + k, out + k) - m_i**2, dot(p - k, p - k) - m_f**2
    vertex = right @ (slash(out + k) + m_i * np.eye(4)) @ slash(photon) / s[:, None, None]
    vertex = vertex + slash(photon) @ (slash(p - k) + m_f * np.eye(4)) @ right / u[:, None, None]
    bar = g[0] @ np.conj(np.swapaxes(vertex, 1, 2)) @ g[0]
    product = (slash(out) + m_f * np.eye(4)) @ vertex @ (slash(p) + m_i * np.eye(4)) @ bar
    return 0.5 * np.trace(product, axis1=1, axis2=2).real


def traced_of(boson, p, out, k, photon, mass):
    """Return the same for S, P, V or A (vertices 1, i gamma5, gamma_mu, gamma_mu gamma5), summed over all polarisations."""
    g, g5 = gammas()
    s, u = dot(out + k, out + k) - mass**2, dot(p - k, p - k) - mass**2

    def amplitude_with(at):
        vertex = at @ (slash(out + k) + mass * np.eye(4)) @ slash(photon) / s[:, None, None]
        return vertex + slash(photon) @ (slash(p - k) + mass * np.eye(4)) @ at / u[:, None, None]

    def trace(vertex):
        bar = g[0] @ np.conj(np.swapaxes(vertex, 1, 2)) @ g[0]
        product = (slash(out) + mass * np.eye(4)) @ vertex @ (slash(p) + mass * np.eye(4)) @ bar
        return 0.5 * np.trace(product, axis1=1, axis2=2).real

    if boson in SCALARS:
        return trace(amplitude_with(np.eye(4) if boson == "S" else 1j * g5))
    metric = (1, -1, -1, -1)
    along = [amplitude_with(gamma if boson == "V" else gamma @ g5) for gamma in g]
    value = -sum(sign * trace(one) for sign, one in zip(metric, along, strict=True))
    contracted = sum(
        sign * k[:, index, None, None] * one for index, (sign, one) in enumerate(zip(metric, along, strict=True))
    )
    return value + trace(contracted) / dot(k, k)


def boost(vector, frame):
    """Take four-vectors from the rest frame of `frame` to the frame in which it has that momentum."""
    mass = np.sqrt(dot(frame, frame))
    gamma = frame[:, 0] / mass
    direction = frame[:, 1:] / mass[:, None]
    along = (vector[:, 1:] * direction).sum(-1)
    energy = gamma * vector[:, 0] + along
    space = vector[:, 1:] + direction * (along / (gamma + 1) + vector[:, 0])[:, None]
    return np.concatenate([energy[:, None], space], axis=1)


def isotropic(rng, count):
    cosine, phi = rng.uniform(-1, 1, count), rng.uniform(0, 2 * np.pi, count)
    sine = np.sqrt(1 - cosine**2)
    return np.stack([sine * np.cos(phi), sine * np.sin(phi), cosine], axis=1)


def events(process: Process, count: int, rng: np.random.Generator, kind: type = REAL):
    """Return p, P_i, p', k, P_f, t and the phase space weight of Monte Carlo events, in the centre of mass.

    To P_f and Q with t log-uniform, Q -> p' k isotropic with s~ as 1/s~^2: nothing of this is in the formulas tested.
    """
    mass, energy = kind(process.nucleus.mass), kind(process.energy[0])
    m_i, m_f, m_phi = kind(process.m_i), kind(process.m_f), kind(process.m_phi[0])
    root2 = mass**2 + m_i**2 + 2 * mass * energy
    root = np.sqrt(root2)
    low, high = (m_f + m_phi) ** 2 - m_i**2, (root - mass) ** 2 - m_i**2
    share = 1 - low / high
    s = low / (1 - share * rng.random(count).astype(kind))  # density low/(share s^2)
    weight = s**2 * share / low
    q2 = s + m_i**2
    p_star = np.sqrt((root2 - (mass + m_i) ** 2) * (root2 - (mass - m_i) ** 2)) / (2 * root)
    f_star = np.sqrt((root2 - (mass + np.sqrt(q2)) ** 2) * (root2 - (mass - np.sqrt(q2)) ** 2)) / (2 * root)
    n_i, n_f = np.sqrt(p_star**2 + mass**2), np.sqrt(f_star**2 + mass**2)
    t_min, t_max = (2 * (n_i * n_f + sign * p_star * f_star - mass**2) for sign in (-1, 1))
    t_end = np.minimum(t_max, np.maximum(1.0, 2 * t_min))  # the form factor leaves nothing above 1 GeV^2
    t = t_min * (t_end / t_min) ** rng.random(count).astype(kind)
    weight = weight * t * np.log(t_end / t_min)
    cosine = np.clip(1 - (t - t_min) / (2 * p_star * f_star), -1, 1)
    sine, phi = np.sqrt(1 - cosine**2), rng.uniform(0, 2 * np.pi, count)
    zero = np.zeros(count, kind)
    # the nucleus comes along -z and leaves at the angle of t
    p = np.stack([zero + np.sqrt(p_star**2 + m_i**2), zero, zero, zero + p_star], axis=1)
    nucleus = np.stack([zero + n_i, zero, zero, zero - p_star], axis=1)
    recoil = np.stack([n_f, -f_star * sine * np.cos(phi), -f_star * sine * np.sin(phi), -f_star * cosine], axis=1)
    q = p + nucleus - recoil
    k_star = np.sqrt((q2 - (m_f + m_phi) ** 2) * (q2 - (m_f - m_phi) ** 2)) / (2 * np.sqrt(q2))
    direction = isotropic(rng, count) * k_star[:, None]
    out = boost(np.concatenate([np.sqrt(k_star**2 + m_f**2)[:, None], direction], axis=1), q)
    k = q - out
    # dPhi3 = dPhi2(P_f, Q) ds/(2 pi) dPhi2(p', k), dPhi2 = dt/(16 pi root p*) and k*/(4 pi m_Q)
    weight = weight / (2 * np.pi) / (16 * np.pi * root * p_star) * k_star / (4 * np.pi * np.sqrt(q2))
    return p, nucleus, out, k, recoil, t, weight


LIGHT = Nucleus(z=1, a=2, radiation_length=1.0, molar_mass=2.0)
"""The amplitude knows no form factor: with a light nucleus and few GeV the trace itself does not lose its digits."""

CASES = [("electron", "muon", 0.3, 4.0), ("electron", "muon", 1.0, 6.0), ("muon", "electron", 0.2, 4.0)]


@pytest.mark.parametrize(("beam", "final", "m_phi", "energy"), CASES)
def test_eq_10_is_the_trace(beam, final, m_phi, energy):
    process = Process.of(np.array([m_phi]), np.array([energy]), coupling=1.0, nucleus=LIGHT, beam=beam, final=final)
    p, nucleus, out, k, recoil, _, _ = events(process, 200, np.random.default_rng(3))
    photon = nucleus + recoil
    t = -dot(nucleus - recoil, nucleus - recoil)
    s = dot(out + k, out + k) - REAL(process.m_i) ** 2
    u = dot(p - k, p - k) - REAL(process.m_f) ** 2
    got = amplitude.squared_2_to_3(
        s, u, t, dot(photon, p), dot(photon, out), REAL(LIGHT.mass), REAL(m_phi) ** 2 - process.m_i**2 - process.m_f**2
    )
    wanted = traced(p, out, k, photon, process.m_i, process.m_f)
    np.testing.assert_allclose((got / wanted).astype(float), 1.0, rtol=0, atol=1e-10)


def amplitude_of(process, s, u, t, p_p, p_out):
    """Return the amplitude of the process in long double, or of what it is given."""
    boson, mass, m_x, m_l = process.boson, process.nucleus.mass, process.m_phi[0], process.m_i
    if boson in VECTORS:
        form = {"V": amplitude.squared_2_to_3_vector, "A": amplitude.squared_2_to_3_axial}[boson]
        return form(s, u, t, p_p, p_out, mass, m_x, m_l)
    delta = {"chiral": m_x**2 - m_l**2 - process.m_f**2, "S": m_x**2 - 4 * m_l**2, "P": m_x**2}[boson]
    return process.scale * amplitude.squared_2_to_3(s, u, t, p_p, p_out, mass, delta)


@pytest.mark.parametrize("boson", ["S", "P", "V", "A"])
@pytest.mark.parametrize(("lepton", "mass"), [("muon", 0.3), ("muon", 0.05), ("electron", 0.02)])
def test_amplitudes_of_one_lepton_are_the_traces(lepton, mass, boson):
    process = Process.of(
        np.array([mass], REAL), np.array([3.0]), coupling=1.0, nucleus=LIGHT, beam=lepton, final=lepton, boson=boson
    )
    p, nucleus, out, k, recoil, _, _ = events(process, 200, np.random.default_rng(3))
    photon = nucleus + recoil
    t = -dot(nucleus - recoil, nucleus - recoil)
    s = dot(out + k, out + k) - REAL(process.m_i) ** 2
    u = dot(p - k, p - k) - REAL(process.m_i) ** 2
    got = amplitude_of(process, s, u, t, dot(photon, p), dot(photon, out))
    wanted = traced_of(boson, p, out, k, photon, process.m_i)
    np.testing.assert_allclose((got / wanted).astype(float), 1.0, rtol=0, atol=2e-9)


def test_eq_11_with_the_sign_corrected():
    process = Process.of(np.array([0.3]), np.array([4.0]), coupling=1.0, nucleus=LIGHT, beam="electron", final="muon")
    p, nucleus, out, k, recoil, t, _ = events(process, 50, np.random.default_rng(4))
    photon, mass = nucleus + recoil, LIGHT.mass
    s = dot(out + k, out + k) - process.m_i**2
    u = dot(p - k, p - k) - process.m_f**2
    e_i, e_phi, e_f = (dot(nucleus, v) / mass for v in (p, k, out))  # in the laboratory
    np.testing.assert_allclose(dot(photon, p).astype(float), (2 * mass * e_i - (s + t) / 2).astype(float), rtol=1e-9)
    np.testing.assert_allclose(
        dot(photon, out).astype(float), (2 * mass * (e_i - e_phi) + (u - t) / 2).astype(float), rtol=1e-10
    )
    np.testing.assert_allclose(dot(photon, out).astype(float), (2 * mass * e_f + (u + t) / 2).astype(float), rtol=1e-10)


@pytest.mark.parametrize(("beam", "final", "m_phi", "energy"), CASES)
def test_eq_20_is_the_trace_over_photon_polarisations(beam, final, m_phi, energy):
    # a real photon of 4-momentum q on a lepton: -g_mu_nu for the sum over polarisations, half for the average
    process = Process.of(np.array([m_phi]), np.array([energy]), coupling=1.0, nucleus=LEAD, beam=beam, final=final)
    m_i, m_f = process.m_i, process.m_f
    rng = np.random.default_rng(5)
    count = 100
    s = np.asarray((m_f + m_phi) ** 2 - m_i**2 + rng.exponential(1.0, count), REAL)
    root = np.sqrt(s + m_i**2)
    photon = s / (2 * root)
    zero = np.zeros(count, REAL)
    p = np.stack([np.sqrt(photon**2 + m_i**2), zero, zero, photon], axis=1)
    star = np.sqrt((root**2 - (m_f + m_phi) ** 2) * (root**2 - (m_f - m_phi) ** 2)) / (2 * root)
    direction = isotropic(rng, count) * star[:, None]
    out = np.concatenate([np.sqrt(star**2 + m_f**2)[:, None], direction], axis=1)
    k = np.concatenate([np.sqrt(star**2 + REAL(m_phi) ** 2)[:, None], -direction], axis=1)
    metric = np.array([1, -1, -1, -1])
    wanted = sum(
        -metric[mu] * traced(p, out, k, np.tile(np.eye(4, dtype=REAL)[mu], (count, 1)), m_i, m_f) for mu in range(4)
    )
    u = dot(p - k, p - k) - REAL(m_f) ** 2
    got = squared_2_to_2(s, u, m_i, m_f, m_phi)
    np.testing.assert_allclose(got.astype(float), 0.5 * wanted.astype(float), rtol=1e-10)


def test_eqs_21_and_26_are_eq_20_in_the_laboratory():
    process = Process.of(np.array([0.3]), np.array([100.0]), coupling=1.0, nucleus=LEAD, beam="muon", final="electron")
    share, invariant = np.array([0.1, 0.5, 0.99]), np.array([0.1, 0.3, 2.0])
    in_x = squared_2_to_2(invariant / (1 - share), -invariant, process.m_i, process.m_f, 0.3)
    np.testing.assert_allclose(ww.amplitude_x(process, share, invariant), in_x, rtol=1e-12)
    in_y = squared_2_to_2(invariant / (1 - share), -share * invariant / (1 - share), process.m_i, process.m_f, 0.3)
    np.testing.assert_allclose(ww.amplitude_y(process, share, invariant), in_y, rtol=1e-12)


@pytest.mark.parametrize(
    ("beam", "final", "lepton", "boson"),
    [
        ("electron", "muon", False, "chiral"),
        ("electron", "muon", True, "chiral"),
        ("muon", "electron", False, "chiral"),
        ("muon", "electron", True, "chiral"),
        ("electron", "electron", False, "V"),
        ("muon", "muon", False, "V"),
        ("muon", "muon", False, "A"),
        ("muon", "muon", False, "S"),
        ("muon", "muon", True, "S"),
        ("muon", "muon", False, "P"),
    ],
)
@pytest.mark.parametrize(("energy", "fraction", "theta"), [(100.0, 0.9, 0.002), (100.0, 0.1, 0.05), (5.0, 0.4, 2.0)])
def test_kernels_against_eq_10_summed_over_the_azimuth(beam, final, lepton, boson, energy, fraction, theta):
    m_phi, mass = 0.3, LEAD.mass
    process = Process.of(
        np.array([m_phi]), np.array([energy]), coupling=1.0, nucleus=LEAD, beam=beam, final=final, boson=boson
    )
    this, other = (process.m_f, m_phi) if lepton else (m_phi, process.m_f)
    e_k = fraction * energy
    k, start, _ = process.angular(this, other, np.array([e_k]))
    eta = 2 * process.momentum * k * np.sin(theta / 2) ** 2
    node, weight = exact._nodes(120)
    kernel = exact_kernels.over_lepton if lepton else exact_kernels.over_phi
    t_a, t_d = process.screening
    arrays = (process.energy, process.m_phi, np.array([e_k]), k, start, eta, process.exact_mass_term)
    masses, constants = (process.m_i, process.m_f, mass), form_factor.inelastic_constants(LEAD)
    kind = () if lepton else (boson in VECTORS, boson == "A")
    got, more = (
        process.scale * kernel(*arrays, *masses, t_a, t_d, broken, *constants, node, weight, *kind)[0]
        for broken in (0.0, 1.0 / LEAD.z)
    )

    # vectors in the frame of Eq. 12, with V along z from an arbitrary frame
    three_p, three_k = np.array([0, 0, process.momentum[0]]), k[0] * np.array([np.sin(theta), 0, np.cos(theta)])
    big_v = three_p - three_k
    v = np.linalg.norm(big_v)
    z = big_v / v
    x = three_k - (three_k @ z) * z
    x /= np.linalg.norm(x)
    w = energy - e_k
    variable = process.m_i**2 + this**2 - other**2 - 2 * (energy * e_k - three_p @ three_k)
    a1 = 1 + w / mass
    root = np.sqrt((variable / (2 * mass) + w) ** 2 - other**2)
    t_max = (variable * a1 + 2 * v * v + 2 * v * root) / (a1 * a1 - (v / mass) ** 2)
    t_min = variable**2 / (a1 * a1 - (v / mass) ** 2) / t_max
    t = (t_min * (t_max / t_min) ** node)[:, None]
    size = np.sqrt(t + t * t / (4 * mass**2))
    cosine = (variable - t * a1) / (2 * v * size)
    sine = np.sqrt(np.maximum(1 - cosine**2, 0))
    phi = (np.arange(128) + 0.5) / 128 * 2 * np.pi
    q = size[..., None] * (cosine[..., None] * z + (sine * np.cos(phi))[..., None] * x)
    q = q + (size * sine * np.sin(phi))[..., None] * np.cross(z, x)
    s = 2 * (-energy * t / (2 * mass) - q @ three_p) - t
    if lepton:
        u = -variable - t - s
        p_out = 2 * mass * e_k + (u + t) / 2
    else:
        u = np.full_like(s, variable)
        p_out = 2 * mass * w + (u - t) / 2
    p_p = 2 * mass * energy - (s + t) / 2
    mean = amplitude_of(process, s, u, t, p_p, p_out).mean(axis=1)
    t = t[:, 0]
    for form, found in ((squared(t, t_a, t_d), got), (form_factor.inelastic(t, LEAD), more - got)):
        wanted = weight @ (form / t * mean) * np.log(t_max / t_min) / (8 * mass**2 * v)
        assert found == pytest.approx(wanted, rel=1e-8, abs=1e-10 * got)


@pytest.mark.parametrize(("m_phi", "energy"), [(0.3, 100.0), (1.0, 50.0)])
def test_the_total_is_that_of_a_monte_carlo_over_four_vectors(m_phi, energy):
    process = Process.of(
        np.array([m_phi]), np.array([energy]), coupling=1e-4, nucleus=LEAD, beam="electron", final="muon"
    )
    p, nucleus, out, k, recoil, t, weight = events(process, 60000, np.random.default_rng(6))
    form = LEAD.z**2 * squared(t, *process.screening)
    square = traced_in_double(p, out, k, nucleus + recoil)
    value = (4 * np.pi * ALPHA) ** 2 * 1e-8 * form / t**2 * square * weight / (4 * LEAD.mass * process.momentum[0])
    value = (value * PICOBARN).astype(float)
    error = value.std() / np.sqrt(len(value))
    assert error < 0.02 * value.mean()
    assert abs(value.mean() - total(m_phi, energy)) < 4 * error


@pytest.mark.parametrize(
    ("boson", "lepton", "mass", "energy"),
    [("V", "electron", 0.3, 30.0), ("S", "muon", 0.1, 160.0), ("P", "muon", 0.1, 160.0), ("A", "muon", 0.1, 160.0)],
)
def test_totals_are_those_of_a_monte_carlo_over_four_vectors(boson, lepton, mass, energy):
    process = Process.of(
        np.array([mass]), np.array([energy]), coupling=1e-3, nucleus=LEAD, beam=lepton, final=lepton, boson=boson
    )
    p, nucleus, out, k, recoil, t, weight = events(
        process, 60000 if lepton == "electron" else 20000, np.random.default_rng(7)
    )
    form = LEAD.z**2 * squared(t, *process.screening)
    photon = nucleus + recoil
    q = out + k - p
    shifted = photon - q * (dot(photon, p) / dot(q, p))[:, None]
    square = traced_of(boson, *(v.astype(float) for v in (p, out, k, shifted)), process.m_i)
    value = (4 * np.pi * ALPHA) ** 2 * 1e-6 * form / t**2 * square * weight / (4 * LEAD.mass * process.momentum[0])
    value = (value * PICOBARN).astype(float)
    error = value.std() / np.sqrt(len(value))
    assert error < 0.05 * value.mean()
    assert abs(value.mean() - integral(process, "exact", "x", 1e-4)[0][0]) < 4 * error


def traced_in_double(p, out, k, photon):
    """Return the trace with the photon's vector taken less a multiple of q, which changes nothing, so that less cancels."""
    q = out + k - p
    shifted = photon - q * (dot(photon, p) / dot(q, p))[:, None]
    return traced(*(v.astype(float) for v in (p, out, k, shifted)), ELECTRON_MASS, MUON_MASS)
