"""The physics of the search as formulas: cross sections, yields, decays, muons in matter. No detector, no files."""
