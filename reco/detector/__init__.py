"""The detector of a set-up from its file: parts with their thresholds, geometry, multiplexing map, misfits of constants."""
