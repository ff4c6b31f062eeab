"""The YAML files that ship with emiss, and the one loader for all of them.

`errors` holds what a user is told, `units` the units, `loader` YAML with places, `schema` the base of all models, `place`
models whose values know where they stand.
"""
