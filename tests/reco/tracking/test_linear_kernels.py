"""Cholesky factor and inverse against NumPy, also where the scales differ by many orders of magnitude."""

from __future__ import annotations

import numpy as np
import pytest

from emiss.reco.tracking.linear_kernels import cholesky, invert


def positive(rng, n, scales):
    square = rng.normal(size=(n, n + 2))
    return square @ square.T * np.outer(scales, scales)


@pytest.mark.parametrize("n", [1, 3, 5, 8])
def test_against_numpy(n):
    rng = np.random.default_rng(n)
    for _ in range(20):
        matrix = positive(rng, n, 10.0 ** rng.uniform(-6, 6, n))
        factor = matrix.copy()
        assert cholesky(factor, n)
        expected = np.linalg.cholesky(matrix)
        below = np.tril_indices(n, -1)
        np.testing.assert_allclose(factor[below], expected[below], rtol=1e-9)
        np.testing.assert_allclose(np.diag(factor), 1 / np.diag(expected), rtol=1e-9)
        room, inverse = np.hstack([matrix, np.zeros((n, 1))]), np.empty((n, n))
        assert invert(room, inverse, n)
        scale = np.sqrt(np.diag(matrix))
        np.testing.assert_allclose(
            inverse * np.outer(scale, scale), np.linalg.inv(matrix / np.outer(scale, scale)), rtol=1e-6, atol=1e-9
        )


@pytest.mark.parametrize(
    "wrong", [[[1.0, 2.0], [2.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]], [[0.0, 0.0], [0.0, 1.0]], [[np.nan, 0], [0, 1]]]
)
def test_what_is_not_positive_is_told(wrong):
    assert not invert(np.hstack([np.array(wrong), np.zeros((2, 1))]), np.empty((2, 2)), 2)
