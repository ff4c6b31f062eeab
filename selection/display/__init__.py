"""How a cutflow is shown: written numbers, the lines of its tables, on a terminal and in a notebook.

Knows the counts (`counting.samples`) and not `results.cutflow.Cutflow`, which shows itself with what is here.
"""
