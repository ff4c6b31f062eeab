"""From the words of events to digits."""
