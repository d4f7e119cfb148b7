"""What is sealed: segments of immutable Parquet files, how they are written, merged, read and deleted."""
