"""Histograms and scans as figures: stacks with data and ratio, samples over each other, planes with projections."""
