"""What is known after counting: cutflow, histograms, scans, what differs between two of them."""
