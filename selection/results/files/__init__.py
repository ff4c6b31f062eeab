"""Results as files: JSON, CSV, ROOT, and how they are read again."""
