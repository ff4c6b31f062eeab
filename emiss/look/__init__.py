"""Looking at things: one event, a track fit, a field map, a foreign file, spills of raw files, what differs."""
