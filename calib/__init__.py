"""Conditions: calibration constants valid for ranges of runs, read from text tables and looked up at run boundaries."""
