"""What else is known of the models: muon g-2, relic density, Landau poles, lepton conversion; width and range of an ALP."""
