"""How the small kernels of the track fit are compiled: without counting references, with fused multiply-adds.

A kernel that hands ten arrays to another counts ten references up and down, atomically, at every call; what a track needs is
some dozen such calls of 100 ns each. These kernels make no arrays and keep none, so that there is nothing to count: who calls
them holds the arrays. A kernel that makes an array must not be compiled so (numba refuses it).
"""

from __future__ import annotations

from functools import partial

from numba import njit

bare = partial(njit, cache=True, nogil=True, error_model="numpy", fastmath={"contract"}, _nrt=False)
"""Decorator: `numba.njit` for kernels that only read and fill arrays given to them."""
