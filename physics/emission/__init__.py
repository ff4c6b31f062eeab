"""l N -> l phi and e N -> e A': amplitudes, cross sections, final states, yields in a thick target; muon pairs of photons."""
