"""What is wrong with files and configs, without running anything."""
