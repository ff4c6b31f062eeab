"""Figures of results: what is asked for on the command line or in a file, from stored histograms or from tables."""
