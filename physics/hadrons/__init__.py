"""Hadrons on nuclei: how far they go, and what comes out where they interact."""
