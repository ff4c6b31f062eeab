"""An analysis file: what its keys may hold, how files are put together, and what comes out (`model.Analysis`)."""
