"""File formats that reco reads; each one knows bytes and nothing of detectors."""
