"""Sample runs: event generators, a fast detector response, digitisation to raw files. `simulate` runs the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emiss.samples.config import Sample, load_sample
    from emiss.samples.simulate import simulate

__all__ = ["Sample", "load_sample", "simulate"]


def __getattr__(name: str) -> Any:
    """Import what is asked for on first use."""
    if name in ("Sample", "load_sample"):
        from emiss.samples import config

        return getattr(config, name)
    if name == "simulate":
        from emiss.samples.simulate import simulate

        return simulate
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
