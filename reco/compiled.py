"""How small kernels are compiled: without counting references.

A kernel that is given a workspace of twenty arrays counts twenty references up and down, atomically, at every call; with some
fifty calls per event (decoder), or a dozen of 100 ns per track (fit), that takes half the time. These kernels make
no arrays and keep none, so that there is nothing to count: who calls them holds the arrays. A kernel that makes an array must
not be compiled so (numba refuses it).
"""

from __future__ import annotations

from functools import partial

from numba import njit

bare = partial(njit, cache=True, nogil=True, _nrt=False)
"""Decorator: `numba.njit` for kernels that only read and fill arrays given to them."""

fused = partial(bare, error_model="numpy", fastmath={"contract"})
"""The same for arithmetic: with fused multiply-adds, and NumPy's division by zero."""
