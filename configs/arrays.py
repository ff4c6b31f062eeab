"""Names for arrays of one dtype and any shape, for annotations: `Floats` for float64, and so on; `Array` for any dtype.

Shapes are told in docstrings, as NumPy's types cannot say "one per event".
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
"""Any dtype: for what passes through, such as a column of a table."""

Floats = np.ndarray[Any, np.dtype[np.float64]]
Singles = np.ndarray[Any, np.dtype[np.float32]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Words = np.ndarray[Any, np.dtype[np.uint32]]
