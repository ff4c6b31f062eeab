"""The expression language: texts such as ``any(hcal.energy > 1 GeV)``, checked against the columns of a table and evaluated.

The selection's cuts and the maps of foreign files speak it. `parser` makes a tree, `check` (with the names of a `scope`) a
program, `evaluate` runs it block by block. No Python code is ever made from a text, or run.
"""
