"""Data quality: spills, missing events, pedestals and losses spill by spill."""
