"""Decays of moving particles into two and three: four-vectors in the frame whose z axis is the flight of the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.processes.states import Emitted

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Floats


def momentum(mass: Floats | float, first: Floats | float, second: Floats | float) -> Floats:
    """Return |p| of the two products in the rest frame of a particle, GeV; 0 below threshold."""
    m2, s, d = np.square(mass), np.square(np.add(first, second)), np.square(np.subtract(first, second))
    value: Floats = np.sqrt(np.maximum((m2 - s) * (m2 - d), 0.0)) / (2.0 * np.asarray(mass, np.float64))
    return value


def boosted(vector: Floats, frame: Floats, mass: Floats | float) -> Floats:
    """Return four-vectors, shape (N, 4), that are given in the rest frames of others of a mass, in the frame of these."""
    mass = np.broadcast_to(np.asarray(mass, np.float64), (len(frame),))
    gamma, beta_gamma = frame[:, 0] / mass, frame[:, 1:] / mass[:, None]
    along = (vector[:, 1:] * beta_gamma).sum(axis=1)
    energy = gamma * vector[:, 0] + along
    space = vector[:, 1:] + beta_gamma * (along / (gamma + 1.0) + vector[:, 0])[:, None]
    return np.concatenate([energy[:, None], space], axis=1)


def flying(mass: Floats | float, energy: Floats) -> Floats:
    """Return four-vectors along z, shape (N, 4)."""
    p = np.sqrt(np.maximum(energy**2 - np.square(mass), 0.0))
    zero = np.zeros_like(energy)
    return np.stack([energy, zero, zero, p], axis=1)


def into_two(
    frame: Floats, mass: Floats | float, first: Floats | float, second: Floats | float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return the products of an isotropic decay of particles with four-vectors `frame`, shape (N, 4) each."""
    count = len(frame)
    p = np.broadcast_to(momentum(mass, first, second), (count,))
    cosine, phi = rng.uniform(-1.0, 1.0, count), rng.uniform(0.0, 2.0 * np.pi, count)
    sine = np.sqrt(1.0 - cosine**2)
    space = p[:, None] * np.stack([sine * np.cos(phi), sine * np.sin(phi), cosine], axis=1)
    one = np.concatenate([np.sqrt(p**2 + np.square(first))[:, None], space], axis=1)
    two = np.concatenate([np.sqrt(p**2 + np.square(second))[:, None], -space], axis=1)
    return boosted(one, frame, mass), boosted(two, frame, mass)


def dot(a: Floats, b: Floats) -> Floats:
    """Return products of four-vectors, shape (N,)."""
    value: Floats = a[:, 0] * b[:, 0] - (a[:, 1:] * b[:, 1:]).sum(axis=1)
    return value


def emitted(pdg: Array | int, vector: Floats) -> Emitted:
    """Return a particle of a four-vector with its angles to the z axis."""
    across = np.hypot(vector[:, 1], vector[:, 2])
    return Emitted(pdg, vector[:, 0], np.arctan2(across, vector[:, 3]), np.arctan2(vector[:, 2], vector[:, 1]))
