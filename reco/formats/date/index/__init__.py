"""The index of a raw run file: one row per event, and which events lack a block, from passes over headers."""
