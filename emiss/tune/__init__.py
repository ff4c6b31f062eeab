"""Tuning cuts in the browser: parameters as sliders, and what they make of all samples."""
