"""Derivations from tracks and strips: places of planes, fields, timing and status of strips."""
