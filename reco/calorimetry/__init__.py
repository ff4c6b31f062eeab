"""Waveforms to cells, and cells to the calorimeter columns: ECAL, HCAL, VETO, SRD, counters."""
