"""Events are counted: cuts, weights, histograms and scans in one pass, and intervals of efficiencies."""
