"""The commands of the command line, one module per task; everything heavy is imported when a command runs."""
