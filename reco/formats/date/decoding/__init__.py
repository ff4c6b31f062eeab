"""From the words of events to digits, and from digits to the detector channels and strips that the channel map names."""
