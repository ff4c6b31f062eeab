"""Strips to clusters to tracks: finding, the momentum fit, extrapolation, derivatives for alignment."""
