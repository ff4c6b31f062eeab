"""The index of a raw run file: one row per event, from a pass over the event headers."""
