"""Faults: whatever happens to a command, and whenever, the next one gives the right answer or says why not."""
