"""Muons and hadrons on their way: energy loss, scattering, decays in flight."""
