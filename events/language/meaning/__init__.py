"""From the syntax tree to a checked program: names, kinds, units, lists, functions, parameters."""
