"""Derivations from waveforms: pedestals, times, gains, shapes, and what becomes of them in a run."""
