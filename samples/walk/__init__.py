"""The walk: particles through the parts of a set-up, what they leave there and what of them gets out."""
