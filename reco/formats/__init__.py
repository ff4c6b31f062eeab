"""File formats that reco reads, the DAQ's own (`date`) and trees of other programs: bytes and names, and no detector."""
