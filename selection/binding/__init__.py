"""An analysis against the columns of a table: cuts, histograms and scans, checked and compiled."""
