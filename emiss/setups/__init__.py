"""Set-ups as a user meets them: lists, one's own from another one, channel maps and constants to begin with, drawings."""
