"""Trees of other programs, read through a reader map in YAML straight to event tables."""
