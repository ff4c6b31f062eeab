"""Parts of a set-up: one module per kind, with its model, channels, columns, sums and outline; `kinds` lists them all."""
