"""A job over many files: plan, tasks, workers, executors, what comes out; cuts again on stored tables; skims."""
