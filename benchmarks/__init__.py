"""Benchmarks, as ratios measured in the same run: ``python -m benchmarks`` (or ``make bench``)."""
