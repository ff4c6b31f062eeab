"""Sampling of the final state of l_i N -> l_f N phi by accept-reject (the Von Neumann method of arXiv:2404.15931, Sec. III.B).

The density is the Weizsaecker-Williams double differential, in the shares and the logarithm of the invariant (U or t^) that
the angle enters through: `LeptonSampler` draws (y, psi) of the outgoing lepton, `ScalarSampler` (x, theta) of phi. The
envelope is constant in each cell of a grid over these two variables, tabulated for a grid of energies.
"""
