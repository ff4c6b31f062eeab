"""The monitor: raw files that grow, followed spill by spill, with alarms by rules."""
