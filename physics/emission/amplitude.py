"""Squared amplitudes of l_i N -> l_f N phi (tree level), averaged over spins.

phi is the scalar of Eq. 1, or S, P, V or A with the same lepton before and after (`emiss.physics.process`): S and P have twice
the scalar's amplitude with `delta` m^2 - 4 m_l^2 and m^2. h^2 e^4 F^2/t^2 is left out. Invariants of
Eq. 8: s~ = (p' + k)^2 - m_i^2, u~ = (p - k)^2 - m_f^2, t2 = (p - p')^2, t = -q^2, q = P_i - P_f; s~ + u~ + t2 + t = m_phi^2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats


def squared_2_to_3(
    s: Floats,
    u: Floats,
    t: Floats,
    p_p: Floats,
    p_p_out: Floats,
    mass: float,
    delta: float,
) -> Floats:
    """Return |A|^2 of Eq. 10 for scalar nuclei, GeV^2.

    Parameters
    ----------
    s, u, t : arrays
        s~, u~ and t, GeV^2.
    p_p, p_p_out : arrays
        P.p and P.p' with P = P_i + P_f, GeV^2: 2M E_i - (s~ + t)/2 and 2M (E_i - E_phi) + (u~ - t)/2 (Eq. 11, where the
        sign of the last t is misprinted), or 2M E_f + (u~ + t)/2.
    mass : float
        M of the nucleus, GeV.
    delta : float
        m_phi^2 - m_i^2 - m_f^2, GeV^2.
    """
    square, p_k = 4.0 * mass**2 + t, p_p - p_p_out
    total = s + u
    bracket = square * t - 4.0 * ((u * p_p + s * p_p_out) / total) ** 2
    value: Floats = (
        total**2 / (2.0 * s * u) * square
        - 2.0 * t / (s * u) * p_k**2
        + total**2 / (2.0 * (s * u) ** 2) * delta * bracket
    )
    return value


def squared_2_to_3_vector(
    s: Floats,
    u: Floats,
    t: Floats,
    p_p: Floats,
    p_p_out: Floats,
    mass: float,
    m_vector: float,
    m_lepton: float,
) -> Floats:
    """Return |A|^2 of l N -> l N A' for a vector that couples to i gamma_mu and scalar nuclei, GeV^2.

    Y.-S. Liu, G. A. Miller, Phys. Rev. D 96 (2017) 016004, in the notation of `squared_2_to_3` and for its normalisation;
    summed over polarisations, averaged over the lepton's spin.

    Parameters
    ----------
    s, u, t, p_p, p_p_out, mass
        As in `squared_2_to_3`.
    m_vector, m_lepton : float
        GeV.
    """
    square, total = 4.0 * mass**2 + t, s + u
    t2 = m_vector**2 - s - u - t
    bracket = square * t - 4.0 * ((u * p_p + s * p_p_out) / total) ** 2
    value: Floats = (
        2.0 * (s**2 + u**2) / (s * u) * square
        - 8.0 * t / (s * u) * (p_p**2 + p_p_out**2 + 0.5 * (t2 + m_vector**2) * square)
        + 2.0 * (total / (s * u)) ** 2 * (m_vector**2 + 2.0 * m_lepton**2) * bracket
    )
    return value


def squared_2_to_3_axial(
    s: Floats,
    u: Floats,
    t: Floats,
    p_p: Floats,
    p_p_out: Floats,
    mass: float,
    m_vector: float,
    m_lepton: float,
) -> Floats:
    """Return |A|^2 of l N -> l N X for an axial vector that couples to gamma_mu gamma5, GeV^2.

    gamma5 turns the sign of one lepton's mass: in the vector's amplitude m^2 + 2 m_l^2 becomes m^2 - 6 m_l^2, and
    32 m_l^2 t P^2/(s u) comes in. The longitudinal part is that of a pseudoscalar times (2 m_l/m)^2, as the divergence of the
    current is 2 m_l times the pseudoscalar one. Held against traces of Dirac matrices (`benchmarks/traces.py`). It
    diverges for m -> 0: a light axial vector needs a theory that gives both masses.

    Parameters
    ----------
    s, u, t, p_p, p_p_out, mass, m_vector, m_lepton
        As in `squared_2_to_3_vector`.
    """
    square, total, lepton = 4.0 * mass**2 + t, s + u, m_lepton**2
    vector = squared_2_to_3_vector(s, u, t, p_p, p_p_out, mass, m_vector, m_lepton)
    bracket = square * t - 4.0 * ((u * p_p + s * p_p_out) / total) ** 2
    transverse = vector - 16.0 * lepton * (total / (s * u)) ** 2 * bracket + 32.0 * lepton * t * square / (s * u)
    longitudinal = 2.0 * squared_2_to_3(s, u, t, p_p, p_p_out, mass, m_vector**2)
    value: Floats = transverse + 4.0 * lepton / m_vector**2 * longitudinal
    return value
