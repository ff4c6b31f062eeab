"""Trees of other programs, read through a map in YAML straight to event tables."""
