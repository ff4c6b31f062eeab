"""Data quality: what the numbers of events and spills tell, and rates, pedestals and losses spill by spill."""
