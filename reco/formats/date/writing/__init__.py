"""Raw run files written, for simulated runs and, damaged on purpose, for tests."""
