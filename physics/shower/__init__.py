"""Electromagnetic showers: transport of electrons and photons."""
