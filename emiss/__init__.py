"""The command line of emiss, and the chain over many files: jobs, executors, resume."""
