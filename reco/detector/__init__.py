"""The detector of a set-up from its file: parts, geometry, multiplexing, limits of its constants."""
