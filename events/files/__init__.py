"""Event tables on disk: ROOT and Parquet files, what they say of themselves, and the manifest of a folder of them."""
