"""Validations: one command repeats the figures of a published study, and puts ours beside its numbers."""
