"""Constants from calibration runs: one kind of derivation per module, all in one frame (`frame`), and the page of each."""
