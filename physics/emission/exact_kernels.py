"""Numba kernels of the exact tree level: Eq. 12 averaged over the azimuth in closed form and integrated over t.

Both kernels take flat arrays, one entry per phase space point: the emitted particle k (phi, or the outgoing lepton) with
energy, momentum and eta = |p||k|(1 - cos theta), see `emiss.physics.process`. The frame is the one of Eq. 12: z along
V = p - k, k in the xz plane, azimuth c = cos(phi_q) of q. There

    s~ = a + b c,   a = p_z U/V - t (1 + E_i/M - p_z a1/V),   b^2 = 4 p_x^2 (q^2 - q_z^2),   q_z = -(U + t a1)/(2 V)

with U = -u~ (or m_phi^2 - t2 when the lepton is the one in question), w = E_i - E_k and a1 = 1 + w/M. The squared
amplitude is a Laurent polynomial in s~ (and u~), so that only <1/s~> = 1/(a r) and <1/s~^2> = 1/(a^2 r^3) with
r = sqrt(1 - b^2/a^2) are needed. The large terms of the amplitude cancel to the order (m/E)^2; the forms below have the
cancellations done by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import kernel
from emiss.physics.emission import form_factor

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats


_inelastic = kernel(error_model="numpy")(form_factor.inelastic_shape)


@kernel(error_model="numpy")
def over_phi(
    e_i: Floats, m_phi: Floats, e_k: Floats, k: Floats, start: Floats, eta: Floats, mass_term: Floats,
    m_i: float, m_f: float, mass: float, t_a: float, t_d: float, broken: float, size: float, moment: float,
    node: Floats, weight: Floats, vector: bool, axial: bool,
) -> Floats:  # fmt: skip
    """Return the integral over t of F^2/(Z^2 t^2) <|A|^2>/(8 M^2 V) at fixed energy and angle of phi, 1/GeV^3.

    Parameters
    ----------
    e_i, m_phi, e_k, k, start, eta : arrays of shape (P,)
        E_i, m_phi, E_phi, |k|, U_0 and eta of `Process.angular`; u~ = -(U_0 + 2 eta).
    mass_term : array of shape (P,)
        `Process.exact_mass_term`, GeV^2.
    broken, size, moment : float
        1/Z if nuclei that break up are counted and 0 if not, and the constants of `form_factor.inelastic_shape`.
    node, weight : arrays
        Gauss-Legendre nodes on (0, 1) for ln t.
    vector : bool
        Whether phi is a vector (`amplitude.squared_2_to_3_vector`) and not a scalar.
    axial : bool
        Whether it is, as a vector, an axial one (`amplitude.squared_2_to_3_axial`).
    """
    out = np.zeros(e_i.shape[0])
    for n in range(e_i.shape[0]):
        energy, m2 = e_i[n], m_phi[n] * m_phi[n]
        delta = mass_term[n]
        u = -(start[n] + 2.0 * eta[n])
        w = energy - e_k[n]
        v2 = w * w - u - m_f * m_f
        v = np.sqrt(v2)
        a1 = 1.0 + w / mass
        big_d = a1 * a1 - v2 / (mass * mass)
        root2 = (0.5 * u / mass + w) ** 2 - m_f * m_f
        if root2 <= 0.0 or v2 <= 0.0:
            continue
        t_max = (u * a1 + 2.0 * v2 + 2.0 * v * np.sqrt(root2)) / big_d
        t_min = u * u / (big_d * t_max)
        if t_max <= t_min:
            continue
        p2 = energy * energy - m_i * m_i
        pk = 0.5 * (m_i * m_i + m2 - m_f * m_f - u)  # p.k of four-vectors
        kappa = energy * e_k[n] - pk  # of three-vectors
        z = (p2 - kappa) / v2  # p_z/V
        x2 = eta[n] * (2.0 * np.sqrt(p2) * k[n] - eta[n]) / v2  # p_x^2
        small = (energy + e_k[n]) * pk - energy * m2 - e_k[n] * m_i * m_i  # (E_i V^2 - w p.V), of order m^2 E
        slope = 1.0 + energy / mass - z * a1
        log_low, span = np.log(t_min), np.log(t_max / t_min)
        total = 0.0
        for j in range(node.shape[0]):
            t = np.exp(log_low + span * node[j])
            q_z = 0.5 * (u - t * a1) / v
            b2 = 4.0 * x2 * max(t + 0.25 * t * t / (mass * mass) - q_z * q_z, 0.0)
            a = -z * u - t * slope
            ratio = b2 / (a * a)
            r = np.sqrt(max(1.0 - ratio, 0.0))
            if a <= 0.0 or r <= 0.0:
                continue
            inverse, inverse2 = 1.0 / (a * r), 1.0 / (a * a * r * r * r)
            square = 4.0 * mass * mass + t
            # u P.p + s P.p' = u (2 M E - t/2) + s second
            second = 2.0 * mass * w - 0.5 * t
            # a - s_0, s_0 being where that sum vanishes
            off = u * (small / (w * v2) + 0.5 * t * e_k[n] / (w * second)) - t * slope
            one_minus_r = ratio / (1.0 + r)
            rho = 1.0 - off / a
            vanishing = ((off / a - one_minus_r) / r) ** 2 + rho * rho * one_minus_r / (r * r * r)  # <(1 - s_0/s)^2>
            if vector:
                first, last = 2.0 * mass * energy - 0.5 * t, 2.0 * mass * w + 0.5 * (u - t)  # P.p + s/2 and P.p'
                amplitude = 2.0 * square * (a / u + u * inverse)
                product = first * first + last * last + (m2 - 0.5 * (u + t)) * square
                amplitude -= 8.0 * t / u * (product * inverse - first - 0.5 * square + 0.25 * a)
            else:
                c = 2.0 * mass * e_k[n]
                amplitude = 0.5 * square * (a / u + 2.0 + u * inverse)
                amplitude -= 2.0 * t * ((c - 0.5 * u) ** 2 / u * inverse - (c - 0.5 * u) / u + 0.25 * a / u)
            amplitude += 0.5 * delta * square * t * (1.0 / (u * u) + 2.0 * inverse / u + inverse2)
            amplitude -= 2.0 * delta * second * second / (u * u) * vanishing
            if axial:
                lepton = m_i * m_i
                c = 2.0 * mass * e_k[n]
                longitudinal = 0.5 * square * (a / u + 2.0 + u * inverse)
                longitudinal -= 2.0 * t * ((c - 0.5 * u) ** 2 / u * inverse - (c - 0.5 * u) / u + 0.25 * a / u)
                longitudinal += 0.5 * m2 * square * t * (1.0 / (u * u) + 2.0 * inverse / u + inverse2)
                longitudinal -= 2.0 * m2 * second * second / (u * u) * vanishing
                amplitude += 32.0 * lepton * t * square * inverse / u + 8.0 * lepton / m2 * longitudinal
            form = t_d / ((t + t_a) * (t + t_d))
            photons = form * form  # F^2/(Z^2 t^2)
            if broken > 0.0:
                photons += broken * _inelastic(t, size, moment) / (t * t)
            total += weight[j] * t * photons * amplitude
        out[n] = total * span / (8.0 * mass * mass * v)
    return out


@kernel(error_model="numpy")
def over_lepton(
    e_i: Floats, m_phi: Floats, e_k: Floats, k: Floats, start: Floats, eta: Floats, mass_term: Floats,
    m_i: float, m_f: float, mass: float, t_a: float, t_d: float, broken: float, size: float, moment: float,
    node: Floats, weight: Floats,
) -> Floats:  # fmt: skip
    """Return the integral over t of F^2/(Z^2 t^2) <|A|^2>/(8 M^2 V) at fixed energy and angle of the lepton, 1/GeV^3.

    Not in the paper: Eq. 12 with p' and k exchanged. s~ + u~ = -(v + t) with v = t2 - m_phi^2 is fixed here and both vary
    with the azimuth.

    Parameters
    ----------
    e_i, m_phi, e_k, k, start, eta : arrays of shape (P,)
        E_i, m_phi, E_f, |p'|, U_0 and eta of `Process.angular`; v = -(U_0 + 2 eta).
    mass_term : array of shape (P,)
        `Process.exact_mass_term`, GeV^2.
    broken, size, moment : float
        1/Z if nuclei that break up are counted and 0 if not, and the constants of `form_factor.inelastic_shape`.
    node, weight : arrays
        Gauss-Legendre nodes on (0, 1) for ln t.
    """
    out = np.zeros(e_i.shape[0])
    for n in range(e_i.shape[0]):
        energy, m2 = e_i[n], m_phi[n] * m_phi[n]
        delta = mass_term[n]
        v_ = -(start[n] + 2.0 * eta[n])
        w = energy - e_k[n]
        v2 = w * w - v_ - m2
        v = np.sqrt(v2)
        a1 = 1.0 + w / mass
        big_d = a1 * a1 - v2 / (mass * mass)
        root2 = (0.5 * v_ / mass + w) ** 2 - m2
        if root2 <= 0.0 or v2 <= 0.0:
            continue
        t_max = (v_ * a1 + 2.0 * v2 + 2.0 * v * np.sqrt(root2)) / big_d
        t_min = v_ * v_ / (big_d * t_max)
        if t_max <= t_min:
            continue
        p2 = energy * energy - m_i * m_i
        pk = 0.5 * (m_i * m_i + m_f * m_f - m2 - v_)  # p.p' of four-vectors
        kappa = energy * e_k[n] - pk
        z = (p2 - kappa) / v2
        x2 = eta[n] * (2.0 * np.sqrt(p2) * k[n] - eta[n]) / v2
        small = (energy + e_k[n]) * pk - energy * m_f * m_f - e_k[n] * m_i * m_i
        slope = 1.0 + energy / mass - z * a1
        log_low, span = np.log(t_min), np.log(t_max / t_min)
        total = 0.0
        for j in range(node.shape[0]):
            t = np.exp(log_low + span * node[j])
            q_z = 0.5 * (v_ - t * a1) / v
            b2 = 4.0 * x2 * max(t + 0.25 * t * t / (mass * mass) - q_z * q_z, 0.0)
            a = -z * v_ - t * slope
            both = -(v_ + t)  # s~ + u~
            a_u = both - a
            ratio, ratio_u = b2 / (a * a), b2 / (a_u * a_u)
            r, r_u = np.sqrt(max(1.0 - ratio, 0.0)), np.sqrt(max(1.0 - ratio_u, 0.0))
            if a <= 0.0 or a_u >= 0.0 or r <= 0.0 or r_u <= 0.0:
                continue
            left, left_u = ratio / (1.0 + r), ratio_u / (1.0 + r_u)  # 1 - r
            square = 4.0 * mass * mass + t
            first, second = 2.0 * mass * energy - 0.5 * t, 2.0 * mass * e_k[n] + 0.5 * t  # u P.p + s P.p' as above
            gap = 2.0 * mass * w - t  # first - second
            # first a_u + second a, in which the terms of the order v cancel to (m/E)^2
            mean = (
                -2.0 * mass * v_ * small / v2
                - z * t * v_
                + 0.5 * t * v_
                + 0.5 * t * t
                - 2.0 * mass * energy * t
                + t * slope * gap
            )
            product = 1.0 / (a * a_u * r * r_u)
            spread, spread_u = left / (a * a * r**3), left_u / (a_u * a_u * r_u**3)  # variances of 1/s~ and 1/u~
            shared = -(a_u * left_u + a * left)
            covariance = shared / both * product
            inverse = product + covariance  # <1/(s~ u~)>
            # <(second/u~ + first/s~)^2> as mean squared and variance, and the same with both factors 1
            vanishing = ((mean - first * a_u * left_u - second * a * left) * product) ** 2
            vanishing += first * first * spread + second * second * spread_u + 2.0 * first * second * covariance
            plain = ((both + shared) * product) ** 2 + spread + spread_u + 2.0 * covariance
            p_k = 2.0 * mass * w - 0.5 * both - t
            amplitude = (0.5 * both * both * square - 2.0 * t * p_k * p_k) * inverse
            amplitude += 0.5 * delta * (square * t * plain - 4.0 * vanishing)
            form = t_d / ((t + t_a) * (t + t_d))
            photons = form * form
            if broken > 0.0:
                photons += broken * _inelastic(t, size, moment) / (t * t)
            total += weight[j] * t * photons * amplitude
        out[n] = total * span / (8.0 * mass * mass * v)
    return out
