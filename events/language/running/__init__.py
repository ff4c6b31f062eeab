"""The checked program, and its evaluation on the blocks of a table."""
