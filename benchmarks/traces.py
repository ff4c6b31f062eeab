"""Bremsstrahlung of S, P, V and A against traces of Dirac matrices: ``python -m benchmarks.traces [events]``.

Nothing of the formulas is used: four-vectors of l N -> l X N in the centre of mass, gamma matrices in NumPy, a heavy nucleus
without spin with the form factor, all polarisations of X. Errors are statistical (one standard deviation).
"""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.physics.constants import ALPHA, LEAD, LEPTON_MASSES, PICOBARN
from emiss.physics.emission.cross_sections import total
from emiss.physics.emission.form_factor import squared
from emiss.physics.processes.primakoff import screening

if TYPE_CHECKING:
    from collections.abc import Iterator

Array = np.ndarray[Any, Any]

CASES = (
    ("muon", 160.0, 0.02), ("muon", 160.0, 0.1), ("muon", 160.0, 0.5), ("electron", 20.0, 0.3), ("electron", 20.0, 1.0),
    ("electron", 100.0, 0.3),
)  # fmt: skip

CHUNK = 20000

_ONE, _ZERO = np.eye(2), np.zeros((2, 2))
_PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
GAMMA = np.array(
    [np.block([[_ONE, _ZERO], [_ZERO, -_ONE]]), *(np.block([[_ZERO, s], [-s, _ZERO]]) for s in _PAULI)], np.complex128
)
GAMMA5 = 1j * GAMMA[0] @ GAMMA[1] @ GAMMA[2] @ GAMMA[3]
METRIC = np.array([1.0, -1.0, -1.0, -1.0])


def slash(p: Array) -> Array:
    return np.einsum("na,aij->nij", p * METRIC, GAMMA)


def dot(a: Array, b: Array) -> Array:
    return np.asarray((a * b * METRIC).sum(axis=1))


def amplitudes(boson: str, p: Array, out: Array, k: Array, photon: Array, mass: float, s: Array, u: Array) -> Array:
    """Return |M|^2 averaged over the spin of the lepton and summed over that of X."""
    first, second = slash(out + k) + mass * np.eye(4), slash(p - k) + mass * np.eye(4)
    contracted = slash(photon)

    def vertex(at: Array) -> Array:
        return at @ first @ contracted / s[:, None, None] + contracted @ second @ at / u[:, None, None]

    def trace(v: Array) -> Array:
        bar = GAMMA[0] @ np.conj(np.swapaxes(v, 1, 2)) @ GAMMA[0]
        product = (slash(out) + mass * np.eye(4)) @ v @ (slash(p) + mass * np.eye(4)) @ bar
        return np.asarray(0.5 * np.trace(product, axis1=1, axis2=2).real)

    if boson in "SP":
        return trace(vertex(np.eye(4, dtype=np.complex128) if boson == "S" else 1j * GAMMA5))
    each = [vertex(gamma if boson == "V" else gamma @ GAMMA5) for gamma in GAMMA]
    value = -sum(sign * trace(one) for sign, one in zip(METRIC, each, strict=True))
    along = sum(sign * k[:, n, None, None] * one for n, (sign, one) in enumerate(zip(METRIC, each, strict=True)))
    return np.asarray(value + trace(np.asarray(along)) / dot(k, k))


def boosted(vector: Array, frame: Array, mass: Array) -> Array:
    gamma, direction = frame[:, 0] / mass, frame[:, 1:] / mass[:, None]
    along = (vector[:, 1:] * direction).sum(axis=1)
    space = vector[:, 1:] + direction * (along / (gamma + 1.0) + vector[:, 0])[:, None]
    return np.concatenate([(gamma * vector[:, 0] + along)[:, None], space], axis=1)


def phase_space(lepton: float, m_x: float, energy: float, count: int, rng: np.random.Generator) -> tuple[Array, ...]:
    """Return p, P_i + P_f, p', k, t, s~, u~ and weights: t log-uniform, s~ as 1/s~^2, u~ as 1/u~."""
    nucleus = np.longdouble(LEAD.mass)
    m, mx, e = (np.longdouble(value) for value in (lepton, m_x, energy))
    root = np.sqrt(nucleus**2 + m**2 + 2 * nucleus * e)
    low, high = (m + mx) ** 2 - m**2, (root - nucleus) ** 2 - m**2
    share = 1 - low / high
    s = low / (1 - share * rng.random(count).astype(np.longdouble))
    weight = s**2 * share / low
    q2 = s + m**2
    p_star = np.sqrt((root**2 - (nucleus + m) ** 2) * (root**2 - (nucleus - m) ** 2)) / (2 * root)
    f_star = np.sqrt((root**2 - (nucleus + np.sqrt(q2)) ** 2) * (root**2 - (nucleus - np.sqrt(q2)) ** 2)) / (2 * root)
    n_i, n_f = np.hypot(p_star, nucleus), np.hypot(f_star, nucleus)
    t_min, t_max = (2 * (n_i * n_f + sign * p_star * f_star - nucleus**2) for sign in (-1, 1))
    t_end = np.minimum(t_max, np.maximum(1.0, 2 * t_min))
    t = t_min * (t_end / t_min) ** rng.random(count).astype(np.longdouble)
    weight = weight * t * np.log(t_end / t_min)
    cosine = np.clip(1 - (t - t_min) / (2 * p_star * f_star), -1, 1)
    sine, phi = np.sqrt(1 - cosine**2), rng.uniform(0, 2 * np.pi, count)
    zero = np.zeros(count, np.longdouble)
    p = np.stack([zero + np.hypot(p_star, m), zero, zero, zero + p_star], axis=1)
    before = np.stack([zero + n_i, zero, zero, zero - p_star], axis=1)
    after = np.stack([n_f, -f_star * sine * np.cos(phi), -f_star * sine * np.sin(phi), -f_star * cosine], axis=1)
    q, mass_q = p + before - after, np.sqrt(q2)
    k_star = np.sqrt((q2 - (m + mx) ** 2) * (q2 - (m - mx) ** 2)) / (2 * mass_q)
    # in the frame of Q, around the direction of p: 1/u~ is near 1/(a + b cos) of k
    flipped = q * np.array([1, -1, -1, -1])
    at_rest = boosted(p, flipped, mass_q)
    size = np.linalg.norm(at_rest[:, 1:].astype(np.float64), axis=1)
    axis = (at_rest[:, 1:] / size[:, None]).astype(np.longdouble)
    e_k = np.hypot(k_star, mx)
    a, b = 2 * at_rest[:, 0] * e_k - mx**2, 2 * size * k_star
    ratio = (a + b) / np.maximum(a - b, (a + b) * 1e-12)
    v = rng.random(count).astype(np.longdouble)
    cos_k = (a - (a + b) * ratio**-v) / b  # density 1/(a - b cos)
    weight = weight * 0.5 * np.log(ratio) * (a - b * cos_k) / b
    cos_k = np.clip(cos_k, -1, 1)
    sin_k, psi = np.sqrt(1 - cos_k**2), rng.uniform(0, 2 * np.pi, count)
    other = np.cross(
        axis.astype(np.float64), np.where(np.abs(axis[:, :1]) < 0.9, [[1.0, 0, 0]], [[0, 1.0, 0]]).astype(np.float64)
    )
    other /= np.linalg.norm(other, axis=1)[:, None]
    third = np.cross(axis.astype(np.float64), other)
    direction = cos_k[:, None] * axis + sin_k[:, None] * (np.cos(psi)[:, None] * other + np.sin(psi)[:, None] * third)
    k = boosted(np.concatenate([e_k[:, None], k_star[:, None] * direction], axis=1), q, mass_q)
    out = q - k
    weight = weight / (2 * np.pi) / (16 * np.pi * root * p_star) * k_star / (4 * np.pi * mass_q)
    u = -(a - b * cos_k)
    return p, before + after, out, k, t, s, u, weight


def sampled(boson: str, lepton: str, energy: float, mass: float, count: int) -> Iterator[Array]:
    """Yield values whose mean is the cross section at a coupling of 1e-4, pb."""
    m, rng = LEPTON_MASSES[lepton], np.random.default_rng(20)
    for _ in range(max(count // CHUNK, 1)):
        p, photon, out, k, t, s, u, weight = phase_space(m, mass, energy, CHUNK, rng)
        q = out + k - p
        shifted = photon - q * (dot(photon, p) / dot(q, p))[:, None]  # changes nothing but what cancels
        square = amplitudes(
            boson, *(v.astype(np.float64) for v in (p, out, k, shifted)), m, *(v.astype(float) for v in (s, u))
        )
        form = LEAD.z**2 * squared(t, *screening(LEAD))
        flux = 4 * LEAD.mass * np.sqrt(energy**2 - m**2)
        value = (4 * np.pi * ALPHA) ** 2 * 1e-8 * form / t**2 * square * weight / flux * PICOBARN
        yield value.astype(np.float64)


def main(count: int = 400_000) -> None:
    print("lepton     E [GeV]  m_X [GeV]  X   traces [pb]      error   exact/traces   WW/traces")
    for lepton, energy, mass in CASES:
        for boson in "SPVA":
            values = np.concatenate(list(sampled(boson, lepton, energy, mass, count)))
            mean, error = values.mean(), values.std() / np.sqrt(len(values))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                exact, ww = (
                    float(total(mass, energy, beam=lepton, final=lepton, boson=boson, method=method, rtol=1e-4))
                    for method in ("exact", "ww")
                )
            share = error / mean
            numbers = f"{mean:13.5g} {100 * share:9.2f} % {exact / mean:12.4f} {ww / mean:12.4f}"
            print(f"{lepton:9} {energy:8g} {mass:10g}  {boson} {numbers}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400_000)
