"""Electromagnetic showers: transport of electrons and photons, and the muon pairs they make."""
