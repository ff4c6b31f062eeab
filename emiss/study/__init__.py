"""Studies: samples are simulated, reconstructed and cut in memory, in parallel; no file of events is written."""
