"""Tuning: an analysis whose parameters stay open, on events in memory; a change evaluates anew what depends on it."""
